"""Commands that make and judge bundles."""
