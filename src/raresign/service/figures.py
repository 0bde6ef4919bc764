"""What a service counts, as Prometheus reads it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes of one service keep their counts; the library's own variable."""
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Figures:
    """Counters of one service.

    Raises:
        ModuleNotFoundError: prometheus-client is not installed.
    """

    def __init__(self) -> None:
        import prometheus_client as client

        self._registry: Any = client.CollectorRegistry()
        made: dict[str, Any] = {"registry": self._registry}
        name = "raresign_requests"
        self._requests = client.Counter(name, "Requests", ["route", "method", "status"], **made)
        name, what = "raresign_request_seconds", "Seconds from a request to its answer"
        self._seconds = client.Histogram(name, what, ["route"], buckets=_SECONDS, **made)
        name = "raresign_crops"
        self._crops = client.Counter(
            name, "Crops answered, by level of the answer", ["level"], **made
        )
        name = "raresign_batch_crops"
        self._batches = client.Histogram(name, "Crops a batch", buckets=_SIZES, **made)
        name, what = "raresign_waiting_crops", "Crops accepted and not answered yet"
        self._waiting = client.Gauge(name, what, multiprocess_mode="livesum", **made)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def answered(self, levels: Sequence[str | None], waiting: int) -> None:
        """Count crops by the level of their answers; None is a crop that could not be read."""
        for level in levels:
            self._crops.labels(level or "unreadable").inc()
        self._waiting.set(waiting)

    def batch(self, crops: int) -> None:
        """Count a batch."""
        self._batches.observe(crops)

    def text(self) -> bytes:
        """All counts, of all processes, in the text format of Prometheus."""
        import prometheus_client as client

        registry = self._registry
        if os.environ.get(SHARED):
            from prometheus_client import multiprocess

            collector: Any = multiprocess.MultiProcessCollector
            registry = client.CollectorRegistry()
            collector(registry)
        return bytes(client.generate_latest(registry))
