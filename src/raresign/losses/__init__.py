"""Losses: cross-entropy with priors of two domains, and losses on the embedding."""
