"""Synthesis: synthetic crops from icons and backgrounds, in batches, on any device."""
