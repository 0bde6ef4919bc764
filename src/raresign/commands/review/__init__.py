"""An evaluated run looked at, and mended, by a person."""
