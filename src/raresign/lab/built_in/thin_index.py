"""Fewer prototypes a class with nearly the same class means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from raresign.answers.head import Head
from raresign.answers.prototypes import PrototypeIndex


def thinned(head: Head, most: int) -> Head:
    """The head with at most so many prototypes a class, chosen so that class means hardly move.

    They are chosen one by one, each so that the mean of those so far comes nearest to the class's
    mean (herding, M. Welling, "Herding dynamical weights to learn", ICML 2009).

    Args:
        head: With any index.
        most: At least 1.
    """
    index = head.index
    kept = np.sort(
        np.concatenate(
            [
                own[_herd(index.embeddings[own], most)]
                for label in range(index.classes)
                if len(own := np.flatnonzero(index.labels == label))
            ]
            or [np.empty(0, np.int64)]
        )
    )
    rows, labels, sources = (part[kept] for part in (index.embeddings, index.labels, index.sources))
    thin = PrototypeIndex(rows, labels, sources, index.classes)
    return replace(head, index=thin, lengths=head.lengths[kept])


def _herd(rows: np.ndarray, most: int) -> list[int]:
    """Places of at most `most` of the (M, E) rows whose mean is near the mean of all."""
    mean, total = rows.mean(0), np.zeros_like(rows[0])
    free = list(range(len(rows)))
    taken: list[int] = []
    while free and len(taken) < most:
        apart = (total + rows[free]) / (len(taken) + 1) - mean
        best = free[int(np.square(apart).sum(1).argmin())]
        taken.append(best)
        free.remove(best)
        total = total + rows[best]
    return taken
