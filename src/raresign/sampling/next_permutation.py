"""The seam of two permutations: what may begin the second one while a serving is still open."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Row = npt.NDArray[np.int32]


def without(row: Row, taken: Row) -> Row:
    """The numbers of `row` that are not `taken`, in their order.

    Args:
        row: (C,) permutation of 0..C-1.
        taken: Some of them.

    Example:
        >>> without(np.array([2, 0, 3, 1]), np.array([0, 1])).tolist()
        [2, 3]
    """
    keep = np.ones(len(row), dtype=bool)
    keep[taken] = False
    return row[keep[row]]


def regrouped(row: Row, groups: npt.NDArray[np.int64], taken: Row, need: int) -> Row:
    """The groups of `row` in another order, so that none of its first `need` numbers is `taken`.

    Groups stay whole. One whose taken numbers would come too early waits until the need is met; in
    a group the taken numbers come last.

    Args:
        row: (C,) permutation of 0..C-1, each group in one piece.
        groups: (C,) group of every number.
        taken: The end of such a permutation, so at most one group is taken in part.
        need: At most C - len(taken).

    Example:
        >>> groups = np.array([0, 0, 1, 1, 2, 2])
        >>> regrouped(np.array([2, 3, 4, 5, 0, 1]), groups, np.array([2]), 2).tolist()
        [4, 5, 3, 2, 0, 1]
    """
    ahead: list[Row] = []
    behind: list[tuple[bool, Row]] = []
    for run in np.split(row, np.flatnonzero(np.diff(groups[row])) + 1):
        is_taken = np.isin(run, taken)
        whole = np.concatenate([run[~is_taken], run[is_taken]])
        if need > 0 and (not is_taken.any() or (~is_taken).sum() >= need):
            ahead.append(whole)
            need -= len(run)
        else:
            behind.append((bool(is_taken.all()), whole))
    if need > 0:  # what is fresh in the group that is taken in part comes next, and is enough
        behind.sort(key=lambda item: item[0])
    return np.concatenate([*ahead, *(whole for _, whole in behind)])
