"""The log: a JSON object a line, never a picture, a file name or a key."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from typing import Any

LOGGER = logging.getLogger("raresign.service")


class JsonLines(logging.Formatter):
    """A record as one line of JSON.

    Example:
        >>> record = logging.makeLogRecord({"msg": "request", "told": {"status": 200}})
        >>> json.loads(JsonLines().format(record))["status"]
        200
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(
                "T", "milliseconds"
            ),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "told", {}),
        }
        if record.exc_info:
            told["fault"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=True)


def tell(event: str, level: int = logging.INFO, fault: bool = False, **told: Any) -> None:
    """Log an event with its values."""
    LOGGER.log(level, event, extra={"told": told}, exc_info=fault)


def log_to_stderr() -> None:
    """Write our events, and what uvicorn warns of, to the error channel."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name, level in (("raresign.service", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
