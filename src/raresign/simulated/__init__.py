"""Simulated photos of drawn signs and made backgrounds, for the demonstration."""
