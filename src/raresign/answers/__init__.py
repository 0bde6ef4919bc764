"""Answers: what embeddings of crops mean; NumPy alone, nothing here imports PyTorch."""
