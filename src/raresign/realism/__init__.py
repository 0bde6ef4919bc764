"""Realism: how synthetic crops differ from real ones, and ranges under which they differ less."""
