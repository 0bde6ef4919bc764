"""`raresign studio`: the application behind uvicorn, and a browser that shows it."""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import raresign
from raresign.language.spoken import _
from raresign.service.hurried import PROTOCOL

_LIBRARIES = ("fastapi", "uvicorn", "python_multipart", "prometheus_client", "jinja2")
_STOP_SECONDS = 3
_MOST_HEAD = 16_384  # bytes


def open_studio(
    run: str | Path = "built-in",
    state: str | Path | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8010,
    keys: str | Path | None = None,
    hosts: tuple[str, ...] = (),
    language: str | None = None,
    browser: bool = True,
    say: Callable[[str], object] = lambda text: None,
) -> None:
    """Show the studio of a run until the process is asked to stop (Ctrl-C, SIGTERM).

    Args:
        run: A run folder, a bundle or "built-in"; see `create_studio`.
        state: Where what people do is kept; see `create_studio`.
        host: Address to listen on; beyond the loopback only with keys.
        port: TCP port; 0 takes a free one.
        keys: File that `new_service_key` wrote.
        hosts: Further names that requests may call it by.
        language: "en" or "ru"; None goes by the browser.
        browser: Open the user's browser on it.
        say: Is told the address.

    Raises:
        InputError: A library is missing, the address is taken, or as `create_studio`.
    """
    for library in _LIBRARIES:
        if find_spec(library) is None:
            raise raresign.InputError(
                _("raresign studio needs {library}, which is not installed").format(
                    library=library
                ),
                'pip install "raresign[studio]"',
            )
    import uvicorn

    from raresign.studio.application import create_studio

    app = create_studio(run, state, host=host, port=port, keys=keys, hosts=hosts, language=language)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=PROTOCOL,
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
        h11_max_incomplete_event_size=_MOST_HEAD,
    )
    server = uvicorn.Server(config)
    name = f"[{host}]" if ":" in host else host
    try:
        listening = config.bind_socket()
    except SystemExit as end:
        raise raresign.InputError(
            _("{address} cannot be listened on").format(address=f"{name}:{port}"),
            _("choose another --port, or stop what listens there"),
        ) from end
    address = f"http://{name}:{listening.getsockname()[1]}"
    say(_("The studio is at {address} – stop it with Ctrl-C").format(address=address))
    if browser:
        threading.Timer(0.5, webbrowser.open, (address,)).start()
    server.run(sockets=[listening])
