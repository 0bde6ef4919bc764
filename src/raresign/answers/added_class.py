"""What a head is given of a class that was added after training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AddedClass:
    """A class that was added after training: a row of the classifier and prototypes.

    Attributes:
        family: Shape and colour.
        row: (E,) float32, `bias` a number: its logit is row . features + bias.
        bias: See `row`.
        embedding: (k, E) float32 of its crops, in the order of `SOURCES`: synthetic, icon, real.
        sources: (k,) uint8, positions in `SOURCES`.
    """

    family: str
    row: np.ndarray
    bias: float
    embedding: np.ndarray
    sources: np.ndarray
