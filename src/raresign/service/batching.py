"""Crops of many requests answered together: a bounded queue, and batches in time windows."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

Crop = np.ndarray | str
"""(3, S, S) uint8, or why there is none."""


class Answers(Protocol):
    """What answers crops that were read: a `Recogniser`."""

    def answer_read(self, crops: Sequence[Crop], top: int) -> list[Any]:
        """An answer a crop."""


class QueueFullError(Exception):
    """More crops than may wait."""


class StoppingError(Exception):
    """The service is being stopped and takes nothing new."""


@dataclass(eq=False)
class _Job:
    """The crops of one request."""

    model: Answers
    read: Callable[[], list[Crop]]
    count: int
    top: int
    future: Future[list[Any]] = field(default_factory=Future)
    crops: list[Crop] = field(default_factory=list)


class Batcher:
    """Reads pictures in threads and answers the crops of several requests at once.

    Args:
        window: Seconds at most that the first crop of a batch waits for others. It waits only
            while others are being read, or if the last batch was of several requests: a client
            alone waits for nobody.
        most_together: Crops a batch; a request with more is a batch of its own.
        most_waiting: Crops that are accepted and not answered yet.
        seen: Is told the crops of each batch.

    Example:
        >>> class Sums:
        ...     def answer_read(self, crops, top):
        ...         return [int(crop.sum()) for crop in crops]
        >>> batcher = Batcher(0.001, 8, 8)
        >>> batcher.submit(Sums(), lambda: [np.ones(3), np.ones(4)], 2, 1).result()
        [3, 4]
        >>> batcher.close()
    """

    def __init__(
        self,
        window: float,
        most_together: int,
        most_waiting: int,
        seen: Callable[[int], object] = lambda crops: None,
    ) -> None:
        self._window, self._most_together = window, most_together
        self._most_waiting, self._seen = most_waiting, seen
        self._lock = threading.Lock()
        self._waiting = 0
        self._stopping = False
        self._several = False  # whether the last batch was of several requests
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="read")
        self._answering = threading.Thread(target=self._answer_all, name="answer", daemon=True)
        self._answering.start()

    @property
    def waiting(self) -> int:
        """Crops that are accepted and not answered yet."""
        return self._waiting

    @property
    def stopping(self) -> bool:
        """Whether `close` was called."""
        return self._stopping

    def submit(
        self, model: Answers, read: Callable[[], list[Crop]], count: int, top: int
    ) -> Future[list[Any]]:
        """Accept the crops of one request.

        Args:
            model: Answers them, whatever model others have by then.
            read: Gives them; it is called in a thread.
            count: How many it gives.
            top: Answers a crop.

        Returns:
            The answers to come, one a crop; to cancel it frees its place.

        Raises:
            QueueFullError: Too many wait.
            StoppingError: `close` was called.
        """
        job = _Job(model, read, count, top)
        with self._lock:
            if self._stopping:
                raise StoppingError
            if self._waiting + count > self._most_waiting:
                raise QueueFullError
            self._waiting += count
            job.future.add_done_callback(lambda _: self._leave(count))
            self._readers.submit(self._read, job)
        return job.future

    def close(self) -> None:
        """Take nothing new, answer all that was accepted, end the threads."""
        with self._lock:
            self._stopping = True
        self._readers.shutdown(wait=True)
        self._jobs.put(None)
        self._answering.join()

    def _leave(self, count: int) -> None:
        with self._lock:
            self._waiting -= count

    def _read(self, job: _Job) -> None:
        if job.future.cancelled():
            return
        try:
            job.crops = job.read()
        except Exception as error:  # whatever it is, its own request is told of it
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(error)
        else:
            self._jobs.put(job)

    def _answer_all(self) -> None:
        kept: _Job | None = None
        while (first := kept or self._jobs.get()) is not None:
            batch, kept, ended = self._gathered(first)
            self._several = len(batch) > 1
            self._answer(batch)
            if ended:
                return

    def _gathered(self, first: _Job) -> tuple[list[_Job], _Job | None, bool]:
        """Jobs for one batch, the next one if it does not fit, and whether no more will come."""
        batch, count = [first], first.count
        until = time.monotonic() + self._window
        while count < self._most_together:
            left = until - time.monotonic()
            try:
                if left > 0 and (self._several or self._waiting > count):
                    job = self._jobs.get(timeout=left)
                else:
                    job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return batch, None, True
            if job.model is not first.model or count + job.count > self._most_together:
                return batch, job, False
            batch.append(job)
            count += job.count
        return batch, None, False

    def _answer(self, batch: Sequence[_Job]) -> None:
        """Answer jobs of one model; those that nobody waits for any more are left out."""
        jobs = [job for job in batch if job.future.set_running_or_notify_cancel()]
        crops = [crop for job in jobs for crop in job.crops]
        if not jobs:
            return
        try:
            self._seen(len(crops))
            answers = jobs[0].model.answer_read(crops, max(job.top for job in jobs))
            if len(answers) != len(crops):
                raise RuntimeError(f"{len(answers)} answers for {len(crops)} crops")
        except Exception as error:  # the thread must live on
            for job in jobs:
                job.future.set_exception(error)
            return
        start = 0
        for job in jobs:
            end = start + len(job.crops)
            job.future.set_result(answers[start:end])
            start = end
