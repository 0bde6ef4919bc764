"""The head of a run: RUN/recognition.safetensors, beside the classifier in model.safetensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from raresign.answers.head import Head
from raresign.answers.head_state import head_from_state, state_of_head
from raresign.errors import InputError
from raresign.runs.sealed_arrays import load_sealed, save_sealed
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

_FILE = "recognition.safetensors"


def has_head(path: Path) -> bool:
    """Whether the run in `path` has more than a classifier."""
    return (path / _FILE).is_file()


def save_head(path: Path, head: Head) -> None:
    """Write the head of the run in `path`; its classifier is in the net's own file."""
    save_sealed(path / _FILE, *state_of_head(head))


def load_head(path: Path, rows: np.ndarray, biases: np.ndarray, catalogue: SignCatalogue) -> Head:
    """The head of the run in `path` as it was trained.

    A run without one (the published recipes, or a training that has not ended) answers with the
    classifier alone.

    Args:
        path: The run folder.
        rows: (C, E) of its classifier; `biases` (C,).
        biases: See `rows`.
        catalogue: The classes that it was trained with.

    Raises:
        InputError: The file is damaged, or belongs to another run.
    """
    file = path / _FILE
    if not has_head(path):
        rare = np.array([sign.type == "rare" for sign in catalogue.classes])
        return Head.plain(rows, biases, [sign.family for sign in catalogue.classes], rare)
    try:
        arrays, values = load_sealed(file)
        known = len(values["families"])
        if known != len(catalogue):
            raise ValueError(f"it knows {known} classes, the run {len(catalogue)}")
        head = head_from_state(rows, biases, arrays, values)
        head.judge(np.zeros((1, rows.shape[1]), np.float32))  # values of other types fail here
    except (OSError, SafetensorError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{file} is damaged: {type(error).__name__}: {str(error)[:300]}",
            "restore it, or train again",
        ) from error
    return head
