"""Lab: methods of other authors that only experiments use, for comparison."""
