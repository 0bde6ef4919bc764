"""The loaded model: an encoder and the head that answers. Loads without torch."""
