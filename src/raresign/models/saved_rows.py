"""The classifier's rows of a saved net, read without building the net."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from raresign.errors import InputError


def classifier_rows(folder: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """(C, E) float32 rows and (C,) biases of the linear classifier.

    Args:
        folder: What `save_model` wrote to.

    Raises:
        InputError: No model, a damaged file, or a net of another head.

    Example:
        >>> classifier_rows("/none")
        Traceback (most recent call last):
        ...
        raresign.errors.InputError: /none holds no model: model.safetensors is missing; \
name a run folder
    """
    file = Path(folder) / "model.safetensors"
    if not file.is_file():
        raise InputError(f"{folder} holds no model: {file.name} is missing", "name a run folder")
    try:
        with safe_open(file, framework="np") as opened:
            rows, biases = (opened.get_tensor(f"classifier.{name}") for name in ("weight", "bias"))
    except (OSError, SafetensorError) as error:
        raise InputError(f"{file} is damaged: {error}", "restore it, or train again") from error
    return np.asarray(rows, np.float32), np.asarray(biases, np.float32)
