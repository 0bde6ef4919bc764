"""`train --test-share`: a part of the real crops plays the test, for data without test crops."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from raresign.commands.data_folder import DataFolder
from raresign.crops.crop_table import CropTable
from raresign.errors import InputError


def with_test_share(source: DataFolder, share: float, seed: int) -> DataFolder:
    """The data folder with a share of its training crops, whole frames, as test crops.

    Raises:
        InputError: It has test crops, or the share is none.
    """
    if not 0 < share < 1:
        raise InputError(f"--test-share {share:g}", "give a share like 0.2")
    if source.test is not None and len(source.test):
        raise InputError(
            f"--test-share, but {source.root} has {len(source.test)} test crops", "leave it out"
        )
    chosen = rows_for_test(source.training, share, seed)
    test = source.training.filter(chosen)
    return replace(source, training=source.training.filter(~chosen), test=test)


def rows_for_test(table: CropTable, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """(N,) bool, which rows test: frames drawn by the seed until they hold the share.

    All rows of a frame go together, and every class keeps a row that trains. The same frames are
    drawn wherever the folder lies.

    Args:
        table: N rows.
        share: Of the rows with a known class, in (0, 1).
        seed: Any integer from 0.

    Example:
        >>> from pathlib import Path
        >>> paths = tuple(Path(name) for name in ("a.jpg", "a.jpg", "b.jpg", "c.jpg"))
        >>> table = CropTable(paths, np.array([0, 0, 0, 1]), None, ("1.1",) * 4)
        >>> rows_for_test(table, 0.5, seed=0).tolist()  # class 1 has one row
        [True, True, False, False]
    """
    frames: dict[object, list[int]] = {}
    for row, path in enumerate(table.paths):
        frames.setdefault(path, []).append(row)
    ordered = [frames[path] for path in sorted(frames, key=str)]
    left = Counter(table.labels.tolist())
    wanted = share * int((table.labels >= 0).sum())
    chosen = np.zeros(len(table), bool)
    taken = 0
    for number in np.random.default_rng(seed).permutation(len(ordered)).tolist():
        own = Counter(label for label in table.labels[ordered[number]].tolist() if label >= 0)
        if taken >= wanted:
            break
        if own and all(left[label] > count for label, count in own.items()):
            chosen[ordered[number]] = True
            left -= own
            taken += sum(own.values())
    return chosen
