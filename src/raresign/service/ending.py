"""The ends of work in other threads, told to an event loop: one wake-up for all that ended by then.

`asyncio.wrap_future` wakes the loop for each future, and `asyncio.wait_for` makes two more objects
a call; for a crop that takes some milliseconds both count.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar
from weakref import WeakKeyDictionary, ref

_Value = TypeVar("_Value")


class _Calls:
    """Calls that other threads ask a loop for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = ref(loop)  # as the loop keeps us
        self._calls: deque[Callable[[], object]] = deque()
        self._coming = False

    def add(self, call: Callable[[], object]) -> None:
        """Have something called in the loop; from any thread."""
        self._calls.append(call)
        if not self._coming:
            self._coming = True
            if (loop := self._loop()) is not None:
                with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                    loop.call_soon_threadsafe(self._all)

    def _all(self) -> None:
        self._coming = False  # first: who adds one from now on wakes the loop anew
        while self._calls:
            self._calls.popleft()()


_calls: WeakKeyDictionary[asyncio.AbstractEventLoop, _Calls] = WeakKeyDictionary()


async def ended(coming: Future[_Value], seconds: float) -> _Value | None:
    """What a future of a thread gives; None, and it is cancelled, if that takes too long.

    Whoever is cancelled meanwhile cancels it, too.

    Raises:
        Exception: What the future ended with.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with ThreadPoolExecutor(1) as pool:
        ...     asyncio.run(ended(pool.submit(sum, [1, 2]), 5.0))
        3
    """
    loop = asyncio.get_running_loop()
    if (calls := _calls.get(loop)) is None:
        calls = _calls[loop] = _Calls(loop)
    waiting: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not waiting.done():
            waiting.set_result(None)

    coming.add_done_callback(lambda _: calls.add(wake))
    clock = loop.call_later(seconds, wake)
    try:
        await waiting
        return coming.result() if coming.done() else None
    finally:
        clock.cancel()
        coming.cancel()  # nothing happens to one that has ended
