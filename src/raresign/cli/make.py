"""Commands that make something: demo, train, start; synth and predict have files of their own."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

import raresign
from raresign.cli.options import (
    Country,
    Crops,
    Data,
    Icons,
    Json,
    Layout,
    Seed,
    Strict,
    SvgText,
    duration,
)
from raresign.cli.printing import echo
from raresign.cli.tables import output, print_json, print_stages
from raresign.language.spoken import _, speaking


def demo(
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder for the demonstration.")
    ] = Path("demo"),
    seed: Seed = 0,
    fast: Annotated[
        bool, typer.Option("--fast", help="A few steps only; figures mean nothing.")
    ] = False,
) -> None:
    """Run the whole pipeline on embedded signs and simulated photos (under 5 minutes).

    Example: `raresign demo --out demo`
    """
    console = output(markup=False)
    run = raresign.demo(out, seed=seed, fast=fast, say=console.print)
    print_stages(console, run)
    console.print(f"\nReport: {run / 'report.html'} (photos are simulated)", soft_wrap=True)
    console.print(
        "On your own data: `raresign train DATA --out RUN`, where DATA holds classes.json, icons/ "
        "and cropped-train/<class>/*.png."
    )
    command = f"{_program()} studio {run}"
    console.print(_("In the browser: {command}").format(command=command), soft_wrap=True)


def _program() -> str:
    """How this program was called: the name where a shell finds it, else the path."""
    given = sys.argv[0]
    found = shutil.which("raresign")
    same = found is not None and Path(found).resolve() == Path(given).resolve()
    return given if Path(given).name == "raresign" and not same else "raresign"


def train(
    data: Data,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Run folder to make.")],
    recipe: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Recipe name or YAML file.")
    ] = "default",
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in OUT.")] = False,
    max_time: Annotated[
        str | None, typer.Option(metavar="TIME", help="Be ready in about this time, e.g. 10m.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            "--start",
            metavar="NAME|FILE",
            help="What the backbone starts from: auto, hub, package, built-in, none or a file.",
        ),
    ] = None,
    backbone: Annotated[str | None, typer.Option(metavar="NAME", help="Any timm name.")] = None,
    crop_size: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Crop size in pixels.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Synthesis preset, such as the YAML of fit-camera."),
    ] = None,
    devices: Annotated[
        int, typer.Option(metavar="NUMBER", help="Processes that share each batch (DDP).")
    ] = 1,
    accelerator: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu or gpu.")] = "auto",
    precision: Annotated[
        str, typer.Option(metavar="NAME", help="auto, 32-true, bf16-mixed or 16-mixed.")
    ] = "auto",
    crops: Crops = None,
    layout: Layout = "auto",
    strict: Strict = False,
    icons: Icons = None,
    country: Country = None,
    svg_text: SvgText = False,
    test_share: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Let this share of the real crops, whole frames, be the test, such as 0.2; for "
            "data without test crops.",
        ),
    ] = None,
) -> None:
    """Train a classifier on a data folder, measure every stage and write a report.

    Example: `raresign train DATA --out RUN --max-time 20m`
    """
    console = output(markup=False)
    run = raresign.train(
        data,
        out,
        recipe,
        seed=seed,
        resume=resume,
        max_seconds=duration(max_time) if max_time else None,
        weights=weights,
        backbone=backbone,
        crop_size=crop_size,
        preset=preset,
        hardware=raresign.Hardware(accelerator, devices, precision),
        crops=crops,
        layout=layout,
        strict=strict,
        icons=icons,
        country=country,
        svg_text=svg_text,
        test_share=test_share,
        say=console.print,
    )
    if not raresign.is_first_process():
        return
    print_stages(console, run)
    console.print("\n" + _("Report: {file}").format(file=run / "report.html"), soft_wrap=True)


def init(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Data folder to begin.")],
    icons: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder of icons, <code>.png or .svg; they are copied."
        ),
    ] = None,
    coco: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="COCO annotations whose categories become the classes."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Begin a data folder: classes.json and the folders; says what is missing.

    Without --icons and --coco the classes are those of DATA/icons and DATA/cropped-train.

    Example: `raresign init DATA --icons ICONS`, `raresign init DATA --coco signs.json`
    """
    if as_json:
        with speaking("en"):
            print_json(raresign.init_data(data, icons, coco).as_dict())
        return
    found = raresign.init_data(data, icons, coco)
    console = output(markup=False, soft_wrap=True)
    console.print(
        _("{file}: {frequent} frequent and {rare} rare classes").format(
            file=data / "classes.json", frequent=len(found.frequent), rare=len(found.rare)
        )
    )
    for line in found.missing:
        console.print(f"- {line}")
    console.print(_("go on: {command}").format(command=found.next))


def start(out: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder to make.")]) -> None:
    """Make a run folder of the built-in model, to which add-class can add signs.

    Example: `raresign start RUN`
    """
    run = raresign.start_run(out)
    told = _("{run} holds the {model}").format(run=run, model=raresign.about_built_in())
    echo(told, err=True)
