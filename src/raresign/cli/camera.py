"""Commands that look at a camera: fit-camera and realism."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

import raresign
from raresign.cli.options import Crops, Data, Layout, Seed, Strict, SvgText
from raresign.cli.printing import Console
from raresign.cli.tables import output

_GAPS = 8  # statistics that are shown


def fit_camera(
    data: Data,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Preset file to write.")] = Path(
        "camera.yaml"
    ),
    preset: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Preset to start from.")
    ] = "road",
    seed: Seed = 0,
    crops: Crops = None,
    layout: Layout = "auto",
    strict: Strict = False,
    svg_text: SvgText = False,
) -> None:
    """Write a synthesis preset that is fitted to real crops; about two minutes.

    Example: `raresign fit-camera DATA --out camera.yaml`
    """
    console = output(markup=False)
    fit = raresign.fit_camera(
        data,
        crops,
        out,
        base=preset,
        layout=layout,
        seed=seed,
        strict=strict,
        svg_text=svg_text,
        say=console.print,
    )
    rows = [fit.before, fit.after] + ([fit.floor] if fit.floor else [])
    _print_realism(console, rows, fit.gaps, fit.after.name)
    console.print(f"{len(fit.moved)} ranges and probabilities moved; written to {fit.path}")
    console.print(f"Train with it: raresign train DATA --out RUN --preset {fit.path}")


def realism(
    data: Data,
    preset: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|FILE", help="Preset name or YAML file; may be given again."),
    ] = None,
    seed: Seed = 0,
    crops: Crops = None,
    layout: Layout = "auto",
    strict: Strict = False,
    svg_text: SvgText = False,
) -> None:
    """Measure how far the crops of presets are from real ones: the lower, the better.

    Example: `raresign realism DATA --preset road --preset camera.yaml`
    """
    console = output(markup=False)
    presets = tuple(preset or ["road"])
    table = raresign.compare_realism(
        data,
        presets,
        crops,
        layout=layout,
        seed=seed,
        strict=strict,
        svg_text=svg_text,
        say=console.print,
    )
    _print_realism(console, list(table.rows), table.gaps[-1], table.rows[len(table.gaps) - 1].name)


def _print_realism(
    console: Console,
    rows: list[raresign.Realism],
    gaps: tuple[raresign.StatisticGap, ...],
    preset: str,
) -> None:
    """A line for each set of crops; then what still differs most under one preset."""
    table = Table("crops of", "told from real, %", "AUC", "Fréchet", "kernel", "by pixels, %")
    for row in rows:
        test = row.features
        table.add_row(
            row.name,
            f"{100 * test.accuracy:.1f} ({100 * test.low:.1f} to {100 * test.high:.1f})",
            f"{test.auc:.3f}",
            f"{row.distance.frechet:.1f}",
            f"{row.distance.kernel:.4f}",
            "" if row.pixels is None else f"{100 * row.pixels.accuracy:.1f}",
        )
    console.print(table)
    table = Table(f"differs most: {preset}", "real, 5, 50, 95 %", "synthetic", "AUC")
    for gap in gaps[:_GAPS]:
        real, made = (
            ", ".join(f"{values[k]:.3g}" for k in (0, 2, 4)) for values in (gap.real, gap.synthetic)
        )
        table.add_row(gap.name, real, made, f"{gap.auc:.2f}")
    console.print(table)
