"""Crops that memory does not hold at once: half as many at a time, and said."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TypeVar

from raresign.language.spoken import _

_Part = TypeVar("_Part")
_SAID = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "bad_alloc",
    "bad allocation",
    "failed to allocate memory",
    "could not create a primitive",  # oneDNN, of whatever it has no room for
    "could not create a memory",
)
"""What torch and onnxruntime say, which have no common class of error for it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory, of the processor or a GPU, was not enough.

    Example:
        >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
        True
        >>> is_out_of_memory(RuntimeError("shapes do not match"))
        False
    """
    if isinstance(error, MemoryError):
        return True
    told = str(error).lower()
    return isinstance(error, Exception) and any(words in told for words in _SAID)


def parts_that_fit(compute: Callable[[int, int], _Part], count: int, most: int) -> Iterator[_Part]:
    """What `compute` makes of consecutive parts of `count` crops.

    Where memory does not hold a part, it and all later ones are halved, with a warning.

    Args:
        compute: Is given the first crop of a part and the one behind its last.
        count: Crops in all.
        most: Crops of a part.

    Raises:
        MemoryError: Not even one crop fits.

    Example:
        >>> def compute(start: int, end: int) -> list[int]:
        ...     if end - start > 3:
        ...         raise MemoryError
        ...     return list(range(start, end))
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     list(parts_that_fit(compute, 5, 4))
        [[0, 1], [2, 3], [4]]
    """
    start = 0
    while start < count:
        end = min(start + most, count)
        try:
            part = compute(start, end)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if end - start == 1:
                raise MemoryError(_("memory does not hold a single crop")) from error
            most = (end - start + 1) // 2
            warnings.warn(
                _("out of memory at a batch of {count} crops: going on with {half}").format(
                    count=end - start, half=most
                ),
                stacklevel=3,
            )
            continue
        yield part
        start = end
