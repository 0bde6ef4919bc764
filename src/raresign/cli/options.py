"""Arguments that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

import raresign
from raresign.language.spoken import LANGUAGES, _

Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="Data folder: classes.json, icons/, cropped-train/, smalltest/ ...; gost: the Russian "
        "signs drawn by us, without photos.",
    ),
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder that `raresign train` made.")]
MeasuredRun = Annotated[
    Path, typer.Argument(metavar="RUN", help="Run folder; built-in: the built-in model.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Engine = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="local, or ray: on the machines of a cluster, with the same result."
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Ray cluster for --engine ray, such as auto; this machine alone if not given.",
    ),
]
Seed = Annotated[
    int, typer.Option(min=0, max=2**63 - 1, metavar="NUMBER", help="Seed of every random choice.")
]
Crops = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER|FILE", help="Real crops that are not in DATA: a folder or annotation file."
    ),
]
Layout = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Layout of the crops, recognised by their files unless given: reference, icons, "
        "folders, csv, gtsrb, rtsd, coco, yolo, voc, tt100k, mapillary, cvat, label-studio.",
    ),
]
Icons = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FOLDER",
        help="Folder of icons instead of DATA/icons; gost: signs drawn by us; own+gost: both; own: "
        "DATA/icons alone.",
    ),
]
Country = Annotated[
    str | None,
    typer.Option(
        metavar="CODE",
        help="Whose class codes these are: RU, DE, or none. Unless given: what classes.json says, "
        "or what the icons look like.",
    ),
]
SvgText = Annotated[
    bool,
    typer.Option(
        "--svg-text",
        help="Draw the text of SVG icons in Source Sans, whatever its font is; such icons are "
        "refused otherwise.",
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Stop at the first unreadable file or missing label.")
]


def _known(language: str | None) -> str | None:
    if language is not None and language not in LANGUAGES:
        raise raresign.InputError(f"--lang {language}", f"choose {' or '.join(LANGUAGES)}")
    return language


Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="|".join(LANGUAGES),
        callback=_known,
        help="Language of what people read; the locale's unless given.",
    ),
]
"""Every command has it; `asked_language` has read it before the command begins."""

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def duration(text: str, option: str = "--max-time") -> float:
    """Seconds of `90`, `90s`, `10m` or `1.5h`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if not match or not 0 < float(match[1]) < 1e9:
        raise raresign.InputError(f"{option} {text}", "write it as 90s, 10m or 1.5h")
    return float(match[1]) * _UNITS[match[2]]


def cluster_of(engine: str, address: str | None) -> Any:
    """The cluster that --engine and --address name, None for this machine without one.

    Raises:
        InputError: Another engine, an address without one, or no cluster there.
    """
    if engine not in ("local", "ray"):
        raise raresign.InputError(_("--engine {name}").format(name=engine), _("use local or ray"))
    if engine == "ray":
        return raresign.RayCluster(address)
    if address is not None:
        raise raresign.InputError(_("--address without --engine ray"), _("add --engine ray"))
    return None
