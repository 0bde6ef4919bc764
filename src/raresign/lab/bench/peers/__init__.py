"""Peers of our synthesis: the published generator, and equivalent chains in other libraries."""
