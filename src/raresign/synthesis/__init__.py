"""Synthesis: made crops from icons and backgrounds, in batches, on any device."""
