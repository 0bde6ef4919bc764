"""`raresign synth`: synthetic crops, sheets of them, and crops once more from their manifest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import raresign
from raresign.cli.options import Address, Country, Engine, Json, SvgText, cluster_of
from raresign.cli.printing import Console
from raresign.cli.tables import error_console, print_json

_Progress = Callable[[int, int], None]


def synth(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            help="Data folder: classes.json, icons/, background_images/ if there are any; with "
            "--again and --verify only if it has moved.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER|FILE",
            help="Folder to make; with --again, the picture to write (.png, .webp).",
        ),
    ] = None,
    per_class: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Crops a class; 100 if not given.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="png or webp (lossless) in class folders; tar or tar-webp: WebDataset shards. "
            "png if not given.",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Preset name or YAML file; road if not given."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Side of the crops in pixels; 64 if not given."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**63 - 1,
            metavar="NUMBER",
            help="Seed of every random choice; 0 if not given.",
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder for sheets: every class, every effect from weak to strong, real beside "
            "synthetic, a blind test. Without --out nothing else is written.",
        ),
    ] = None,
    again: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A manifest.parquet: render its row --row anew, bit for bit, to --out.",
        ),
    ] = None,
    row: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Row of --again, from 0.")
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="A folder that --out made: render every crop anew and compare, bit for bit.",
        ),
    ] = None,
    country: Country = None,
    svg_text: SvgText = False,
    engine: Engine = "local",
    address: Address = None,
    as_json: Json = False,
) -> None:
    """Write synthetic crops with a manifest; a killed run goes on where it stopped.

    Example: `raresign synth DATA --out SYNTH --per-class 1000 --format tar`,
    `raresign synth DATA --sheet SHEETS`,
    `raresign synth --again SYNTH/manifest.parquet --row 17 --out crop.png`,
    `raresign synth --verify SYNTH`
    """
    settings = {"preset": preset, "size": size, "seed": seed, "country": country}
    settings["svg-text"] = svg_text or None
    if again is not None or verify is not None:
        given = {**settings, "per-class": per_class, "format": form, "sheet": sheet}
        _refuse(given, "--again" if again is not None else "--verify")
    if verify is not None:
        _refuse({"again": again, "row": row, "out": out}, "--verify")
        _verify(verify, data, as_json)
    elif again is not None:
        _again(again, row, out, data, as_json)
    else:
        _refuse({"row": row}, "DATA")
        given = {name.replace("-", "_"): value for name, value in settings.items()}
        chosen = {name: value for name, value in given.items() if value is not None}
        cluster = cluster_of(engine, address)
        _make(data, out, per_class, form, sheet, chosen, as_json, cluster)


def _make(
    data: Path | None,
    out: Path | None,
    per_class: int | None,
    form: str | None,
    sheet: Path | None,
    settings: dict[str, Any],
    as_json: bool,
    cluster: Any,
) -> None:
    """Crops, sheets, or both."""
    if data is None:
        raise raresign.InputError("no data folder", "raresign synth DATA --out DIR")
    if out is None and (sheet is None or per_class is not None or form is not None):
        raise raresign.InputError("no --out", "name the folder for the crops: --out DIR")
    console = Console(markup=False, stderr=as_json, soft_wrap=True)
    told: dict[str, Any] = {}
    if out is not None:
        try:
            with _bar("crops") as progress:
                result = raresign.synthesise(
                    data,
                    out,
                    per_class=100 if per_class is None else per_class,
                    form=form or "png",
                    **settings,
                    say=console.print,
                    progress=progress,
                    cluster=cluster,
                )
        except KeyboardInterrupt:
            error_console().print(f"stopped; what is in {out} is kept, the same command goes on")
            raise
        told.update(result.as_dict())
        console.print(
            f"{result.written} crops written to {out} ({result.crops_per_second:.0f} crops/s, "
            f"{result.refused} draws refused by the quality guard); it holds {result.crops} now"
        )
        if result.crops > result.asked:
            console.print("that is more than you asked for: nothing is removed")
    if sheet is not None:
        with _bar("sheets") as progress:
            files = raresign.synth_sheets(
                data, sheet, **settings, say=console.print, progress=progress
            )
        told["sheets"] = [str(path) for path in files]
        console.print(f"{len(files)} files written to {sheet}")
    if as_json:
        print_json(told)


def _again(
    manifest: Path, row: int | None, out: Path | None, data: Path | None, as_json: bool
) -> None:
    """One row as a picture."""
    if row is None or out is None:
        raise raresign.InputError(
            "--again needs --row and --out", "such as --row 17 --out crop.png"
        )
    found = raresign.render_again(manifest, row, out, data)
    if as_json:
        print_json({"out": str(out), "row": found})
    else:
        path = found["path"] + (f":{found['key']}" if "key" in found else "")
        Console(markup=False, soft_wrap=True).print(f"row {row}, {path}, rendered to {out}")


def _verify(folder: Path, data: Path | None, as_json: bool) -> None:
    """All rows; exit code 1 if one differs."""
    console = Console(markup=False, stderr=as_json, soft_wrap=True)
    with _bar("compared") as progress:
        result = raresign.verify_crops(folder, data, say=console.print, progress=progress)
    for crop, problem in result.different[:10]:
        console.print(f"{crop}: {problem}")
    if len(result.different) > 10:
        console.print(f"... and {len(result.different) - 10} more")
    console.print(
        f"{result.same} of {result.crops} crops are bit for bit what their rows render to"
    )
    if as_json:
        print_json(result.as_dict())
    if result.different:
        raise typer.Exit(1)


def _refuse(given: dict[str, Any], mode: str) -> None:
    """Options that mean nothing here are not passed over in silence."""
    for name, value in given.items():
        if value is not None:
            raise raresign.InputError(f"--{name} means nothing with {mode}", "leave it out")


@contextmanager
def _bar(what: str) -> Iterator[_Progress]:
    """A progress bar with a rate on stderr, if someone looks at it."""
    errors = Console(stderr=True)
    bar = Progress(
        TextColumn(what),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=errors,
        disable=not errors.is_terminal,
    )
    task = bar.add_task(what, total=None, rate="")
    began: list[tuple[float, int]] = []

    def progress(done: int, total: int) -> None:
        now = time.perf_counter()
        if not began:
            began.append((now, done))
        start, before = began[0]
        rate = f"{(done - before) / (now - start):.0f} {what}/s" if done > before else ""
        bar.update(task, completed=done, total=total, rate=rate)

    with bar:
        yield progress
