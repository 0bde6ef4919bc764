"""All faults that are no kill."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from at_once import two_at_once
from broken_writes import broken_writes
from material import Material
from moving_files import moving_files
from operations import operations
from scarce import dying_workers, scarce_memory
from table import Fault


def other_faults(
    material: Material, place: Path, seed: int
) -> dict[str, Callable[[], list[Fault]]]:
    """Name -> makes the faults."""
    every = operations(material)
    return {
        "memory": lambda: [scarce_memory()],
        "worker": lambda: [dying_workers(material, place)],
        "at once": partial(two_at_once, material, every, place),
        "moving": lambda: [moving_files(material, place)],
        "writes": partial(broken_writes, every, place, seed),
    }
