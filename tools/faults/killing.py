"""Kill an operation again and again, repeat it, and compare with one that nobody killed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from children import Ended, a_kill, run_child
from digests import check_whole, difference, left_over
from operations import Found, Operation
from table import Row

_MOST_IN_A_ROW = 3
Tell = Callable[[str], None]


def kill_often(operation: Operation, place: Path, kills: int, seed: int, tell: Tell) -> Row:
    """Kill an operation `kills` times; after one to three kills in a row it is repeated.

    Args:
        operation: What is killed.
        place: Its folder: the same each time, since runs remember paths.
        kills: How many.
        seed: Of all random moments; told with each problem.
        tell: Is told of problems.
    """
    row = Row(operation.name)
    began = time.monotonic()
    try:
        first, wanted = _unbroken(operation, place)
    except AssertionError as error:
        tell(f"{operation.name}: {error}")
        row.problems.append(str(error))
        return row
    seconds, trial = first.seconds, 0
    while row.kills < kills:
        trial += 1
        named = f"{operation.name}, seed {seed}/{trial}"
        dice = random.Random(f"{seed} {operation.name} {trial}")
        problem = _trial(operation, place, row, wanted, dice, (seconds, first.writes), kills)
        if problem:
            tell(f"{named}: {problem}")
            row.problems.append(f"{named}: {problem}")
        print(f"{named}: {row.kills} kills, {row.matched} of {row.repeats} matched", flush=True)
        if trial > 4 * kills + 20:
            row.problems.append("most ended before they could be killed")
            break
    row.seconds = time.monotonic() - began
    return row


def _unbroken(operation: Operation, place: Path) -> tuple[Ended, Found]:
    """How long it takes, and what it makes.

    Raises:
        AssertionError: It fails.
    """
    operation.begin(place)
    ended = run_child(partial(operation.act, place))
    seen = run_child(partial(operation.found, place))
    if ended.code != 0 or seen.code != 0:
        raise AssertionError(f"without any fault: {ended.told or seen.told}")
    return ended, seen.value


def _trial(
    operation: Operation,
    place: Path,
    row: Row,
    wanted: Found,
    dice: random.Random,
    size: tuple[float, int],
    most: int,
) -> str:
    """Some kills and a repeat; what went wrong, or nothing."""
    operation.begin(place)
    check = partial(check_whole, place)
    before = row.kills
    moments = []
    for _one in range(dice.randint(1, _MOST_IN_A_ROW)):
        if row.kills == most:
            break
        moment = a_kill(dice, *size)
        moments.append(str(moment))
        ended = run_child(partial(operation.act, place), moment, check)
        row.kills += ended.code == -9
        if ended.code not in (0, -9):
            return f"after {moments}: {_told(ended)}"
    if row.kills == before:
        return ""
    row.repeats += 1
    ended = run_child(partial(operation.act, place), check=check)
    if ended.code != 0:
        return f"the repeat after {moments}: {_told(ended)}"
    seen = run_child(partial(operation.found, place))
    if seen.code != 0:
        return f"what is there after {moments}: {_told(seen)}"
    row.left += left_over(seen.value, wanted)
    if told := difference(seen.value, wanted):
        return f"after {moments}: {'; '.join(told[:5])}"
    row.matched += 1
    return ""


def _told(ended: Ended) -> str:
    return f"it hung for {ended.seconds:.0f} s" if ended.code is None else ended.told
