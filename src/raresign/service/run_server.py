"""`raresign serve`: the application behind uvicorn."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import raresign
from raresign.service.figures import SHARED
from raresign.service.hurried import PROTOCOL
from raresign.service.keys import read_keys
from raresign.service.request_log import log_to_stderr
from raresign.service.settings import VARIABLE, Settings

_FACTORY = "raresign.service.application:app_of_environment"
_LIBRARIES = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")
_MOST_HEAD = 16_384
_IDLE_SECONDS = 5


def serve(
    model: str | Path = "built-in",
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    keys: str | Path | None = None,
    say: Callable[[str], object] = lambda text: None,
    **more: object,
) -> None:
    """Answer over HTTP until the process is asked to stop (SIGTERM, Ctrl-C).

    What was accepted by then is answered. Log lines in JSON go to the error channel.

    Args:
        model: Run folder, bundle, or "built-in".
        host: Address to listen on; beyond the loopback only with keys.
        port: TCP port.
        keys: File that `new_service_key` wrote.
        say: Is told the address.
        more: Further `Settings`, such as `workers`, `most_bytes`, `window_ms`.

    Raises:
        InputError: No model, no library, an address beyond the loopback without keys, or an
            address that is taken.
    """
    known = {} if keys is None else {"keys": str(keys)}
    try:
        settings = Settings(str(model), host, port, **known, **more)  # type: ignore[arg-type]
    except TypeError as error:
        raise raresign.InputError(str(error), "see `raresign serve --help`") from error
    for library in _LIBRARIES:
        if find_spec(library) is None:
            raise raresign.InputError(
                f"raresign serve needs {library}, which is not installed",
                'pip install "raresign[serve]"',
            )
    import uvicorn

    if settings.keys:
        read_keys(settings.keys)
    if settings.workers > 1:
        raresign.load(settings.model)  # what is wrong is told once, and not by each worker
    with tempfile.TemporaryDirectory(prefix="raresign-serve-") as folder:
        os.environ[VARIABLE] = settings.as_json()
        if settings.workers > 1:
            os.environ[SHARED] = folder
        log_to_stderr()
        name = f"[{host}]" if ":" in host else host
        say(f"http://{name}:{port} answers; its description is at /docs")
        before = _end_on_sigterm()
        try:
            uvicorn.run(
                _FACTORY,
                factory=True,
                host=host,
                port=port,
                workers=settings.workers,
                http=PROTOCOL,
                ws="none",
                loop="asyncio",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=max(1, round(settings.stop_seconds)),
                h11_max_incomplete_event_size=_MOST_HEAD,
            )
        except SystemExit as end:
            if end.code not in (None, 0):
                hint = "choose another --port, or stop what listens there"
                raise raresign.InputError(f"{name}:{port} cannot be listened on", hint) from end
        finally:
            if before is not None:
                signal.signal(signal.SIGTERM, before)
            os.environ.pop(VARIABLE, None)
            os.environ.pop(SHARED, None)


def _end_on_sigterm() -> Any:
    """Let SIGTERM end the program by itself, so that no file is left; the earlier handler.

    uvicorn raises the signal once more when it has stopped, and that would kill the process.
    """
    if threading.current_thread() is not threading.main_thread():
        return None

    def end(number: int, frame: object) -> None:
        raise SystemExit(0)

    return signal.signal(signal.SIGTERM, end)
