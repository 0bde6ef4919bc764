"""The verdict on a run in one or two plain sentences."""

from __future__ import annotations

from raresign.evaluation.metrics import GroupMetrics, Metrics
from raresign.report.words import interval, percent, plural


def verdict(metrics: Metrics | None, simulated: bool) -> str:
    """What the model named right, in words that need no knowledge of the field.

    Args:
        metrics: The figures of the test; None if the run was not tested.
        simulated: Whether the tested crops are made, not photographed.

    Example:
        >>> verdict(None, simulated=False)
        'This run has not been tested yet.'
    """
    if metrics is None:
        return "This run has not been tested yet."
    if not metrics.crops:
        return "The test has no crop with a known class, so nothing can be said about this run."
    made = "simulated crop" if simulated else "crop"
    parts = []
    if metrics.rare.crops:
        parts.append(
            f"of {plural(metrics.rare.crops, made)} of signs it has never seen photographed, "
            f"it named {_recall(metrics.rare)} correctly"
        )
    if metrics.freq.crops:
        photos = "simulated photos" if simulated else "photos"
        signs = f"of {plural(metrics.freq.crops, made)} of signs it learnt from {photos}"
        recall = _recall(metrics.freq)
        parts.append(f"{signs}, {recall}" if parts else f"{signs}, it named {recall} correctly")
    sentence = "; ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]


def _recall(group: GroupMetrics) -> str:
    """A recall with its interval."""
    return f"{percent(group.micro.value)} ({interval(group.micro.low, group.micro.high)})"
