"""A kind of input: where good ones come from, and the reader that spoiled ones are given to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_LARGEST_SEED = 40_000


@dataclass(frozen=True)
class Target:
    """What a worker needs of a kind.

    Args:
        seeds: Good inputs, at least one.
        read: Gives an input to the reader. What it raises of `refusals` is a refusal, False, too;
            anything else that it raises is a fault.
        refusals: The error types that the reader documents.
        forms, head: See `Mutator`.
    """

    seeds: list[bytes]
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    forms: tuple[str, ...] = ()
    head: int = 0


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Args:
        name: For people.
        inputs: How many of a million or so.
        open: Makes its target in a folder of its own; imports what it needs.
        guided: Modules whose branches the coverage-guided share of the inputs looks for.
    """

    name: str
    inputs: int
    open: Callable[[Path], Target]
    guided: tuple[str, ...] = ()


def drawing(count: int, seed: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator behind hypothesis' `given`: so many inputs, all of them by the seed."""
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis import seed as of_seed

    set_up = settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    return lambda give: of_seed(seed)(set_up(give))


def field_files(*patterns: str) -> Iterator[bytes]:
    """Small files of RARESIGN_DATA/field-cases, where it is set."""
    if not (data := os.environ.get("RARESIGN_DATA")):
        return
    for pattern in patterns:
        for path in sorted((Path(data) / "field-cases").rglob(pattern)):
            if path.is_file() and 0 < path.stat().st_size <= _LARGEST_SEED:
                yield path.read_bytes()


def with_field(seeds: list[bytes], *patterns: str, most: int = 40) -> list[bytes]:
    """Seeds, and different files of the field behind them."""
    return list(dict.fromkeys([*seeds, *list(dict.fromkeys(field_files(*patterns)))[:most]]))


def reading(path: Path, reader: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A `read` that writes the input to a file and calls a reader of files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = os.fspath(path)

    def read(data: bytes) -> object:
        with open(name, "wb") as file:  # noqa: PTH123 - half the cost of Path.open
            file.write(data)
        return reader(path)

    return read
