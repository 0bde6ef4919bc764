"""Bundles: a trained model in one file; their only reader and writer. Loads without torch."""
