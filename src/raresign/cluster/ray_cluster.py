"""Work on the machines of a Ray cluster: every piece exactly once, whatever dies meanwhile."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from raresign.errors import InputError, missing_library
from raresign.language.spoken import _

Shared = TypeVar("Shared")
Piece = TypeVar("Piece")
Result = TypeVar("Result")

_AHEAD = 2
"""Pieces a processor that are given out before the first of them is asked for."""
_numbers = itertools.count()
_held: dict[str, tuple[Any, Any]] = {}
"""In a process of the cluster: what its pieces have in common, of the last work it had."""


class RayCluster:
    """Machines that Ray has joined, or the processors of this one.

    All of them need this version of raresign, and see the same files under the same paths.

    Args:
        address: Of a cluster that runs: `auto`, `HOST:6379` or `ray://HOST:10001`. Without it Ray
            is started here, for as long as this process lives.

    Raises:
        InputError: Ray is not installed, or no cluster answers there.
    """

    def __init__(self, address: str | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anyone
        try:
            import ray
        except ModuleNotFoundError as error:
            raise missing_library(error, "--engine ray", "ray") from error
        self._ray: Any = ray
        if not ray.is_initialized():
            alone = {"include_dashboard": False} if address is None else {}
            try:
                ray.init(
                    address=address or "local", log_to_driver=False, logging_level="error", **alone
                )
            except (ConnectionError, RuntimeError, ValueError, OSError) as error:
                raise InputError(
                    _("no Ray cluster at {address}: {why}").format(
                        address=address or _("this machine"), why=str(error)[:300]
                    ),
                    _("start one with `ray start --head`, or leave --address out"),
                ) from error

    def map(
        self, work: Callable[[Shared, Piece], Result], shared: Shared, pieces: Iterable[Piece]
    ) -> Iterator[Result]:
        """`work(shared, piece)` of every piece, in their order; few are ahead of the consumer.

        A piece whose process or machine dies is done again elsewhere, as often as it takes, and its
        result is given once. An error of `work` itself ends all.

        Args:
            work: A function of a module. It may write files, if a second time does no harm.
            shared: Goes to each process once.
            pieces: Small ones: paths and numbers, not pictures.

        Raises:
            InputError: As `work` raises it.
        """
        ray = self._ray
        name = f"{os.getpid()}-{next(_numbers)}-{os.urandom(8).hex()}"
        handle = [ray.put((work, shared))]  # in a list: a process fetches it once, not a piece
        task = ray.remote(num_cpus=1, max_retries=-1)(_work)
        most = max(2, int(_AHEAD * ray.cluster_resources().get("CPU", 1)))
        waiting: deque[Any] = deque()
        try:
            for piece in pieces:
                waiting.append(task.remote(name, handle, piece))
                if len(waiting) >= most:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        finally:
            for one in waiting:
                ray.cancel(one)

    def _result(self, waited: Any) -> Any:
        try:
            return self._ray.get(waited)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, Exception) else error) from None


def _work(name: str, handle: list[Any], piece: Any) -> Any:
    """Runs in a process of the cluster."""
    if name not in _held:
        import ray

        _held.clear()
        _held[name] = ray.get(handle[0])
    work, shared = _held[name]
    return work(shared, piece)
