"""What the reference system's author published, stage by stage: the rows ours stand beside."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedStage:
    """One stage of the reference system; recalls are shares in [0, 1], None = not published.

    Example:
        >>> REFERENCE_STAGES[1].rare
        0.521
    """

    name: str
    all: float | None
    rare: float | None
    freq: float | None
    note: str


REFERENCE_STAGES = (
    PublishedStage("1 · pretrain", None, 0.0, 0.85, "frequent real crops only"),
    PublishedStage("3 · synthetic", 0.678, 0.521, 0.700, "205,000 synthetic crops, 5 epochs"),
    PublishedStage("4 · metric", None, None, None, "never finished"),
)
"""Published figures, as read from the reference system's description."""

REFERENCE_METRIC_STEP_SECONDS = 10.83
"""Time of one metric-learning step of the reference system."""

REFERENCE_METRIC_EPOCH_SECONDS = 6 * 3600 + 41 * 60
"""Time of one metric-learning epoch of the reference system (284,896 crops)."""

REFERENCE_CAVEAT = (
    "The reference system’s figures were measured on another test set (205 classes, 1,309 crops), "
    "so only the order of magnitude compares."
)
"""The sentence that must stand wherever the figures stand beside ours."""
