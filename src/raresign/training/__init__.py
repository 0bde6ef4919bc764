"""Training: recipes of stages, fitted with Lightning on batches that exist only in memory."""
