"""Several looks at one crop at test time: as it is, mirrored, a little closer."""

from __future__ import annotations

import numpy as np
import torch

from raresign.models import SignNet, closer
from raresign.recognition.outputs import net_outputs

VIEWS = ("mirror", "closer")


def view_logits(net: SignNet, crops: np.ndarray, view: str, mirror: np.ndarray) -> np.ndarray:
    """(N, C) float32 logits of another view of crops, NaN for classes that it says nothing of.

    A mirrored crop of class c shows `mirror[c]`: what the net says of that is said of c.

    Args:
        net: The classifier.
        crops: (N, 3, S, S) uint8.
        view: One of `VIEWS`.
        mirror: (C,) label of each class's mirror image, -1 where the mirror image is no class.

    Raises:
        ValueError: There is no such view.
    """
    if view == "mirror":
        seen = net_outputs(net, np.ascontiguousarray(crops[..., ::-1])).logits
        return np.where(mirror >= 0, seen[:, np.maximum(mirror, 0)], np.nan).astype(np.float32)
    if view != "closer":
        raise ValueError(f"no view is called {view!r}; use {', '.join(VIEWS)}")
    near = closer(torch.from_numpy(crops).float() / 255)
    return net_outputs(net, (near * 255).round().byte().numpy()).logits


def joined_views(logits: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
    """(N, C) mean of the logits of all views, class by class over those that know it.

    Example:
        >>> joined_views(np.array([[0.0, 1.0]]), [np.array([[2.0, np.nan]])]).tolist()
        [[1.0, 1.0]]
    """
    mean: np.ndarray = np.nanmean(np.stack([logits, *others]), axis=0)
    return mean
