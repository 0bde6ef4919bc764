"""Commands that make something: demo, train, predict; and synth, which has a file of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

import raresign
from raresign.cli.options import Country, Crops, Data, Icons, Json, Layout, Seed, Strict, duration
from raresign.cli.printing import Console, echo
from raresign.cli.tables import error_console, print_answers, print_json, print_stages


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the demonstration.")] = Path("demo"),
    seed: Seed = 0,
    fast: Annotated[
        bool, typer.Option("--fast", help="A few steps only; figures mean nothing.")
    ] = False,
) -> None:
    """Run the whole pipeline on embedded signs and simulated photos (under 5 minutes).

    Example: `raresign demo --out demo`
    """
    console = Console(markup=False)
    run = raresign.demo(out, seed=seed, fast=fast, say=console.print)
    print_stages(console, run)
    console.print(f"\nReport: {run / 'report.html'} (photos are simulated)", soft_wrap=True)
    console.print(
        "On your own data: `raresign train DATA --out RUN`, where DATA holds classes.json, icons/ "
        "and cropped-train/<class>/*.png."
    )


def train(
    data: Data,
    out: Annotated[Path, typer.Option(help="Run folder to make.")],
    recipe: Annotated[str, typer.Option(help="Recipe name or YAML file.")] = "default",
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in OUT.")] = False,
    max_time: Annotated[
        str | None, typer.Option(help="Be ready in about this time, e.g. 10m.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            "--start",
            help="What the backbone starts from: auto, hub, package, built-in, none or a file.",
        ),
    ] = None,
    backbone: Annotated[str | None, typer.Option(help="Any timm name.")] = None,
    crop_size: Annotated[int | None, typer.Option(help="Crop size in pixels.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="Synthesis preset, such as the YAML of fit-camera.")
    ] = None,
    devices: Annotated[int, typer.Option(help="Processes; more than one trains with DDP.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, 32-true, bf16-mixed or 16-mixed.")] = "auto",
    crops: Crops = None,
    layout: Layout = "auto",
    strict: Strict = False,
    icons: Icons = None,
    country: Country = None,
) -> None:
    """Train a classifier on a data folder, measure every stage and write a report.

    Example: `raresign train DATA --out RUN --max-time 20m`
    """
    console = Console(markup=False)
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
        say=console.print,
    )
    if os.environ.get("LOCAL_RANK", "0") != "0":  # a helper process that DDP has started
        return
    print_stages(console, run)
    console.print(f"\nReport: {run / 'report.html'}", soft_wrap=True)


def start(out: Annotated[Path, typer.Argument(help="Run folder to make.")]) -> None:
    """Make a run folder of the built-in model, to which add-class can add signs.

    Example: `raresign start RUN`
    """
    run = raresign.start_run(out)
    echo(f"{run} holds the {raresign.about_built_in()}", err=True)


def predict(
    given: Annotated[
        list[Path],
        typer.Argument(
            metavar="[RUN] FILES...",
            help="Pictures of crops, or folders of them; before them a run folder, unless the "
            "built-in model shall answer.",
        ),
    ],
    top: Annotated[int, typer.Option(min=1, help="Answers a file.")] = 3,
    as_json: Json = False,
) -> None:
    """Name the sign on each crop; a broken file is a row with its error.

    Without RUN, or with built-in in its place, the model that comes with the package answers: all
    205 Russian signs that we draw.

    Four levels, from sure to unsure: a class; "unknown red ring", a sign of that look but not
    surely of one class; "unknown sign"; "no sign". "Perhaps" marks a guess.

    JSON, one line a file: path; answer, in words; level, which of the four: class, family, sign or
    none; known, the chance that the sign is in the catalogue; family; answers, the guesses; error.

    Example: `raresign predict crop.png`, `raresign predict RUN crops/ --top 3 --json`
    """
    run, files = raresign.run_and_files(given)
    answers = []
    model = raresign.load(run)
    if raresign.is_built_in(run):
        error_console().print(raresign.about_built_in())
    for answer in raresign.predict(model, files, top):
        answers.append(answer)
        if as_json:
            print_json(answer.as_dict())
    if all(answer.error for answer in answers):
        first = f"{answers[0].path}: {answers[0].error}"
        raise raresign.InputError(
            f"none of the {len(answers)} files can be read (the first, {first})"
            if len(answers) > 1
            else f"the file cannot be read ({first})",
            "give pictures of crops: PNG, JPEG, PPM, WebP or BMP",
        )
    if not as_json:
        print_answers(Console(), answers, model.head.rule)
