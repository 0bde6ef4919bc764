"""What a peer is: a chain of a library's own operations from icon and photo to crops."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib import metadata
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor


class Chain(Protocol):
    """A chain that makes crop after crop on one thread, as a data loader's worker does."""

    about: str
    """The libraries and their versions."""

    def make(self, first: int, count: int) -> Any:
        """Make the crops `first` to `first + count - 1`.

        Args:
            first: Serial number of the first crop; decides its class, and seeds the draws.
            count: How many.

        Returns:
            (count, 3, S, S) uint8, or a list of files.
        """


class MissingLibraryError(Exception):
    """A peer's library is not installed, or does not work here; the message says which."""


def load_library(module: str, install: str) -> ModuleType:
    """Import the module of an optional library, which pip gets as `install`.

    Raises:
        MissingLibraryError: It cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingLibraryError(f"not installed: pip install {install}") from error
    except ImportError as error:
        raise MissingLibraryError(f"cannot be imported: {error}") from error


def version_of(distribution: str) -> str:
    """Name and version of an installed package."""
    return f"{distribution} {metadata.version(distribution)}"


def to_training(parts: Sequence[np.ndarray]) -> Tensor:
    """Stack uint8 crops into the (N, 3, S, S) float32 tensor in [0, 1] that training takes."""
    stacked = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return torch.from_numpy(stacked).float().div_(255)
