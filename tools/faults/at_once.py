"""Two processes on one folder at the same time: the second waits or is refused, nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from children import Ended, run_child, run_together
from digests import difference
from material import NEW, Material
from operations import Operation, with_run
from table import Fault

import raresign

_TIMES = 3


def two_at_once(material: Material, operations: list[Operation], place: Path) -> list[Fault]:
    """Two `add-class`; and each operation twice at once."""
    return [
        _two_classes(material, place),
        _one_class_twice(material, place),
        _twice(operations, place),
    ]


def _two_classes(material: Material, place: Path) -> Fault:
    fault = Fault("two add-class at once", ended="the second waits; both classes are there")

    def add(code: str) -> None:
        raresign.add_class(place / "run", [material.icons / f"{code}.svg"])

    for _time in range(_TIMES):
        with_run(material.run, place)
        ended = run_together([partial(add, code) for code in NEW])
        codes = run_child(partial(_codes, place / "run")).value
        right = [one.code for one in ended] == [0, 0] and {*NEW} <= {*codes}
        _count(fault, right, ended)
    return fault


def _one_class_twice(material: Material, place: Path) -> Fault:
    fault = Fault("one class added twice at once", ended="the second is refused")

    def add() -> None:
        raresign.add_class(place / "run", [material.icons / f"{NEW[0]}.svg"])

    for _time in range(_TIMES):
        with_run(material.run, place)
        ended = run_together([add, add])
        codes = run_child(partial(_codes, place / "run")).value
        right = sorted(str(one.code) for one in ended) == ["0", "2"] and codes.count(NEW[0]) == 1
        _count(fault, right, ended)
    return fault


def _codes(run: Path) -> list[str]:
    folder = raresign.RunFolder.open(run)
    folder.recogniser()
    return list(folder.catalogue.codes)


def _twice(operations: list[Operation], place: Path) -> Fault:
    fault = Fault("the same command twice at once", ended="waits, or is refused; same result")
    for operation in operations:
        if operation.name.startswith(("studio", "evaluate")):
            continue
        operation.begin(place)
        run_child(partial(operation.act, place))
        wanted = run_child(partial(operation.found, place)).value
        operation.begin(place)
        work: Callable[[], object] = partial(operation.act, place)
        ended = run_together([work, work])
        codes = sorted(str(one.code) for one in ended)
        seen = run_child(partial(operation.found, place))
        told = difference(seen.value, wanted)[:4] if seen.code == 0 else [seen.told]
        right = codes in (["0", "0"], ["0", "2"]) and not told
        _count(fault, right, ended, f"{operation.name} {told}")
        shutil.rmtree(place, ignore_errors=True)
    return fault


def _count(fault: Fault, right: bool, ended: list[Ended], more: str = "") -> None:
    fault.tries += 1
    fault.right += right
    if not right:
        told = "; ".join(f"{one.code} {one.told[-600:]}" for one in ended)
        fault.problems.append(f"{fault.name}: {more} {told}")
