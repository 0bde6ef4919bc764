"""The trained net as an encoder: crops in, embeddings out."""

from __future__ import annotations

import numpy as np

from raresign.models.outputs import net_outputs
from raresign.models.sign_net import SignNet


class TorchEncoder:
    """Embeddings by the net itself; a `raresign.runtime.recogniser.Encoder`.

    Args:
        net: On any device; put into evaluation mode.

    Example:
        >>> net = SignNet("mobilenetv3_small_050", 3, 8, weights="none", crop_size=32)
        >>> TorchEncoder(net).embed(np.zeros((2, 3, 32, 32), np.uint8)).shape
        (2, 8)
    """

    def __init__(self, net: SignNet) -> None:
        self.net = net.eval()

    @property
    def crop_size(self) -> int:
        """S, side of the crops in pixels."""
        return self.net.crop_size

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """(N, E) float32 embeddings of (N, 3, S, S) uint8 crops."""
        return net_outputs(self.net, crops).embedding
