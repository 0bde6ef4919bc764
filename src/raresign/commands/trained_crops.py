"""Which crops a run was trained with, so that a test on them can be told from a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from raresign.crops.pack import CropPack
from raresign.files import whole_file

FILE = "training-crops.npy"


def note_training_crops(run: Path, pack: CropPack) -> None:
    """Write 8 bytes a crop into the run folder, of the hash of its file and box."""
    if len(pack):
        with whole_file(run / FILE) as temporary:
            np.save(temporary, np.unique(_marks(pack)))


def trained_with(run: Path, pack: CropPack) -> int:
    """How many crops of a pack a run was trained with; 0 if the run does not know."""
    return int(np.isin(_marks(pack), training_marks(run)).sum())


def training_marks(run: Path) -> npt.NDArray[np.uint64]:
    """(N,) sorted 8 bytes of hash a training crop; none if the run does not know."""
    file = run / FILE
    try:
        # Mapped: a header that claims terabytes is compared with the length of the file.
        known = np.load(file, mmap_mode="r", allow_pickle=False) if file.is_file() else None
    except Exception:  # NumPy reads the header as Python text, which fails in any way
        known = None
    if not isinstance(known, np.ndarray) or known.dtype != np.uint64 or known.ndim != 1:
        return np.empty(0, np.uint64)
    return np.array(known)


def _marks(pack: CropPack) -> npt.NDArray[np.uint64]:
    """(N,) the first 8 bytes of each hash."""
    hashes = pack.table["hash"].to_pylist()
    return np.array([int(text[:16], 16) for text in hashes], np.uint64)
