"""What a recogniser needs of whatever computes its embeddings."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Encoder(Protocol):
    """Crops in, embeddings out: the trained net, or the same net in another runtime.

    `raresign.models.outputs.TorchEncoder` is the one that a run brings.
    """

    @property
    def crop_size(self) -> int:
        """S, side of the crops in pixels."""

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """(N, E) float32 embeddings, before the ReLU, of (N, 3, S, S) uint8 crops."""
