"""Crops in, predictions out: batches of packed crops through a trained classifier."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raresign.catalogue import SignCatalogue
from raresign.datasets import CropPack
from raresign.evaluation import Predictions
from raresign.models import SignNet
from raresign.recognition.outputs import net_outputs


def predict_logits(net: SignNet, crops: np.ndarray, batch: int = 256) -> np.ndarray:
    """(N, C) float32 logits of (N, 3, S, S) uint8 crops, on the device of `net`."""
    return net_outputs(net, crops, batch).logits


def predict_pack(
    net: SignNet, pack: CropPack, catalogue: SignCatalogue, root: Path | None = None
) -> Predictions:
    """Predictions of packed crops; paths are relative to `root` where they lie below it."""
    return Predictions.from_logits(
        relative_paths(pack.table["path"].to_pylist(), root),
        pack.labels,
        predict_logits(net, pack.crops),
        catalogue.codes,
        [sign.type for sign in catalogue.classes],
        [sign.family for sign in catalogue.classes],
    )


def relative_paths(paths: Sequence[str], root: Path | None) -> list[str]:
    """Paths as they are recorded: a moved data folder still compares with itself."""
    if root is None:
        return list(paths)
    base = str(root) + os.sep
    return [path.removeprefix(base) for path in paths]
