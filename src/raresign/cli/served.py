"""Commands of the HTTP service: serve, new-key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import raresign
from raresign.cli.printing import echo
from raresign.cli.tables import error_console


def serve(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Run folder, bundle, or built-in.")
    ] = Path("built-in"),
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Address to listen on; beyond this machine only with --keys."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="NUMBER", help="TCP port.")] = 8000,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ask for a key of `raresign new-key FILE`.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name that requests may call the service by."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=256, metavar="NUMBER", help="Processes; each loads the model.")
    ] = 1,
    window: Annotated[
        float, typer.Option(min=0, metavar="MS", help="How long a crop waits for others.")
    ] = 3.0,
    most_together: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="Crops answered together.")
    ] = 64,
    most_waiting: Annotated[
        int,
        typer.Option(
            min=1, metavar="NUMBER", help="Crops that wait; beyond them the answer is 429."
        ),
    ] = 1024,
    most_requests: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="Requests at a time; beyond them 429.")
    ] = 256,
    most_crops: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="Crops of one request.")
    ] = 256,
    most_mb: Annotated[float, typer.Option(min=0.001, metavar="MB", help="Of one request.")] = 32.0,
    most_megapixels: Annotated[
        float, typer.Option(min=0.001, metavar="MEGAPIXELS", help="Of one picture.")
    ] = 25.0,
    time_limit: Annotated[
        float, typer.Option(min=0.01, metavar="SECONDS", help="For reading, and for answering.")
    ] = 30.0,
) -> None:
    """Answer over HTTP: pictures in, signs out. Needs `raresign[serve]`, and no torch.

    POST /v1/classify, POST /v1/annotate, GET POST DELETE /v1/classes, GET /v1/jobs/ID,
    GET /v1/model, /healthz, /readyz, /metrics; /docs describes them. Classes change only where
    MODEL is a run folder; to add one takes `raresign[train]`. A model that changes on the disk is
    loaded anew. The log is JSON lines on the error channel, without pictures, file names and keys.

    Example: `raresign serve signs.raresign`, `curl -F picture=@crop.png 127.0.0.1:8000/v1/classify`
    """
    raresign.serve(
        model,
        host=host,
        port=port,
        keys=keys,
        say=error_console().print,
        hosts=tuple(name.lower() for name in allow_host or ()),
        workers=workers,
        window_ms=window,
        most_together=most_together,
        most_waiting=most_waiting,
        most_requests=most_requests,
        most_crops=min(most_crops, most_waiting),
        most_bytes=round(most_mb * 1e6),
        most_pixels=round(most_megapixels * 1e6),
        read_seconds=time_limit,
        answer_seconds=time_limit,
    )


def new_key(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Its hash is appended to this file.")
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Whose key it is; it stands in the log.")
    ] = "client",
    may_change: Annotated[
        bool, typer.Option("--may-change", help="It may add and remove classes, too.")
    ] = False,
) -> None:
    """Print a new key for `raresign serve --keys FILE`. It is shown once: FILE keeps its hash.

    A service that runs reads FILE when it is started again.

    Example: `raresign new-key keys.txt --name camera`
    """
    key = raresign.new_service_key(file, name, may_change)
    error_console().print(f"the key of {name}; {file} keeps only its hash:")
    echo(key)
