"""What a service was told: where it listens, who may ask, and how much of everything."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

import raresign

VARIABLE = "RARESIGN_SERVICE"
"""Hands the settings to worker processes, as JSON."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Settings:
    """All settings of a service.

    Args:
        model: Run folder, bundle or "built-in".
        host: Address to listen on.
        port: TCP port.
        keys: File of `raresign new-key`; "" where everybody may ask.
        hosts: Names that a request may call us by, beside those of the loopback.
        workers: Processes, each with its own model.
        window_ms: How long a crop waits for others to be answered together with.
        most_together: Crops that are answered together.
        most_waiting: Crops that are accepted and not yet answered.
        most_requests: Requests at a time; beyond them and `most_waiting` the answer is 429.
        most_crops: Of one request: pictures, or boxes of them.
        most_bytes: Of one request.
        most_pixels: Of one picture.
        read_seconds: Until a request must have come whole.
        answer_seconds: Until it must be answered.
        stop_seconds: For requests under way, once the service is asked to stop.

    Raises:
        InputError: A number below 1, or a request that could never be accepted.

    Example:
        >>> Settings.from_json(Settings(port=8001).as_json()).port
        8001
    """

    model: str = "built-in"
    host: str = "127.0.0.1"
    port: int = 8000
    keys: str = ""
    hosts: tuple[str, ...] = ()
    workers: int = 1
    window_ms: float = 3.0
    most_together: int = 64
    most_waiting: int = 1024
    most_requests: int = 256
    most_crops: int = 256
    most_bytes: int = 32_000_000
    most_pixels: int = 25_000_000
    read_seconds: float = 30.0
    answer_seconds: float = 30.0
    stop_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            low = 0 if name in ("window_ms", "port") else 1 if isinstance(value, int) else 1e-3
            if isinstance(value, int | float) and not low <= value < 2**40:
                raise raresign.InputError(f"{name} is {value}", f"give at least {low}")
        if self.most_crops > self.most_waiting:
            raise raresign.InputError(
                f"{self.most_crops} crops a request, but only {self.most_waiting} may wait",
                "let more wait, or allow fewer a request",
            )
        if not self.on_loopback and not self.keys:
            raise raresign.InputError(
                f"{self.host} can be reached from other machines, and no key protects the service",
                "raresign new-key keys.txt, then serve with --keys keys.txt; or keep to 127.0.0.1",
            )

    @property
    def on_loopback(self) -> bool:
        """Whether only programs of this machine reach the service."""
        return self.host in LOOPBACK

    def as_json(self) -> str:
        """The settings as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """What `as_json` gave."""
        values = json.loads(text)
        return cls(**{**values, "hosts": tuple(values["hosts"])})

    @classmethod
    def of_environment(cls) -> Settings:
        """Those that the parent process left."""
        return cls.from_json(os.environ[VARIABLE])
