"""Making the built-in model of the package from a finished run."""
