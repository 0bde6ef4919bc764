"""What a few real photos of a class gain (`add-photos`), and what they cost the other classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from raresign.answers.head import Head
from raresign.fitting.photo_lifts import fit_lift

COUNTS = (1, 3, 10)


@dataclass(frozen=True)
class PhotoGain:
    """One class with so many photos: shares in [0, 1] on crops that are none of the photos.

    Attributes:
        label: The class.
        photos: How many; 0 is the run as it is.
        recall: Of its other crops.
        named: Of these, right and answered with the class, not "unknown".
        others: Recall of all crops of other classes.
        worst: Points that the other class which lost most has lost; 0 without photos.
    """

    label: int
    photos: int
    recall: float
    named: float
    others: float
    worst: float


def photo_gains(
    head: Head,
    embedding: np.ndarray,
    labels: np.ndarray,
    classes: Iterable[int],
    counts: Sequence[int] = COUNTS,
    seed: int = 0,
) -> list[PhotoGain]:
    """Give each class in turn a few of its own crops as photos; measure on all others.

    Args:
        head: Of a run that never trained on these crops.
        embedding: (N, E) float32 of real crops.
        labels: (N,) int64 classes.
        classes: Which get photos, one at a time; those with fewer than twice as many crops as the
            largest count are left out.
        counts: Numbers of photos; the smaller sets are part of the larger.
        seed: Draws the photos.

    Returns:
        For each class one entry without photos, then one a count, all on the same crops.
    """
    most = max(counts)
    right = head.judge(embedding).probabilities.argmax(1) == labels
    found = []
    for label in classes:
        own = np.random.default_rng((seed, label)).permutation(np.flatnonzero(labels == label))
        if len(own) < 2 * most:
            continue
        left, others = own[most:], labels != label
        for count in (0, *counts):
            helped = head
            if count:
                photos = embedding[own[:count]]
                helped = head.with_photos(label, photos, fit_lift(head, label, photos))
            said = helped.judge(embedding)
            now = said.probabilities.argmax(1) == labels
            lost = [
                right[labels == k].mean() - now[labels == k].mean()
                for k in np.unique(labels[others])
            ]
            found.append(
                PhotoGain(
                    label,
                    count,
                    float(now[left].mean()),
                    float((now & (said.levels == 0))[left].mean()),
                    float(now[others].mean()),
                    float(max(lost, default=0.0)),
                )
            )
    return found


def gains_rows(gains: Sequence[PhotoGain]) -> list[str]:
    """A Markdown table: means over the classes, and the worst loss of any other class.

    Example:
        >>> print(gains_rows([PhotoGain(3, 0, 0.5, 0.25, 0.9, 0.0)])[-1])
        | 0 | 1 | 50.0 | 25.0 | 90.0 | 0.0 |
    """
    head = "photos | classes | recall % | named right % | others' recall % | worst loss, points"
    lines = [f"| {head} |", "|---|---|---|---|---|---|"]
    for count in sorted({one.photos for one in gains}):
        rows = [one for one in gains if one.photos == count]
        columns = [[one.recall, one.named, one.others] for one in rows]
        means = [f"{100 * value:.1f}" for value in np.mean(columns, axis=0)]
        worst = 100 * max(one.worst for one in rows)
        lines.append(f"| {count} | {len(rows)} | {' | '.join(means)} | {worst:.1f} |")
    return lines
