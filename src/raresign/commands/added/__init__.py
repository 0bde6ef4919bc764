"""Classes and photos that come after the training."""
