"""Benchmarks: ours against the published system, side by side, medians with spread."""
