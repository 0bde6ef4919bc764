"""`train`: from a data folder to a measured classifier."""
