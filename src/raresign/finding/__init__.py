"""Finding the crops of a class in a large pile of crops that nobody labelled."""
