"""Evaluation: predictions, their figures with intervals, and paired comparisons."""
