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
    """Import an optional library.

    Args:
        module: Such as `kornia.augmentation`.
        install: What pip is told to install.

    Raises:
        MissingLibraryError: It cannot be imported.

    Example:
        >>> try:
        ...     load_library("no_such_library", "no-such-library==1.0")
        ... except MissingLibraryError as error:
        ...     print(error)
        not installed: pip install no-such-library==1.0
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingLibraryError(f"not installed: pip install {install}") from error
    except ImportError as error:
        raise MissingLibraryError(f"cannot be imported: {error}") from error


def version_of(*distributions: str) -> str:
    """Names and versions of installed packages.

    Example:
        >>> version_of("torch").startswith("torch ")
        True
    """
    return ", ".join(f"{name} {metadata.version(name)}" for name in distributions)


def to_training(parts: Sequence[np.ndarray]) -> Tensor:
    """Stack uint8 crops into the (N, 3, S, S) float32 tensor in [0, 1] that training takes.

    Example:
        >>> to_training([np.full((2, 3, 4, 4), 255, np.uint8)]).unique().tolist()
        [1.0]
    """
    stacked = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return torch.from_numpy(stacked).float().div_(255)
