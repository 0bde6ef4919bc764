"""The command line: whatever a file holds, one message and a documented exit code."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fuzzing.catalogues import CLASSES, write_icons
from fuzzing.kind import Kind, Target, reading
from fuzzing.tables import answer_lines

_GOOD = (0, 1, 2, 3)
"""Exit codes; 1 of `check-results` alone, which says so of problems."""


def call(*arguments: object) -> int:
    """The exit code of a command in this process; AssertionError if it tells more than one error.

    Raises:
        Exception: Whatever the command lets through, which a user would see as a traceback.
    """
    from raresign.cli.app import app, run_safely

    said, told = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["raresign", *map(str, arguments)]
    shown = warnings.showwarning
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
            code = run_safely(app)
    finally:
        sys.argv, warnings.showwarning = before, shown
    text = told.getvalue()
    assert "Traceback" not in said.getvalue() + text, text
    if code == 2:
        assert text.count("error: ") == 1, text
    allowed = _GOOD if arguments[0] == "check-results" else (0, 2, 3)
    assert code in allowed, f"exit code {code}: {text}"
    return code


def _command(
    file: str, seeds: Callable[[], list[bytes]], forms: tuple[str, ...], told: Any, at: Path
) -> Target:
    arguments = told(at)

    def read(path: Path) -> object:
        return call(*arguments) == 0

    return Target(seeds(), reading(at / file, read), (), forms)


def _catalogue(at: Path) -> list[object]:
    write_icons(at / "icons", "3.24.n40", "1.11.1")
    return ["catalogue", at, "--json"]


def _crops(at: Path) -> list[object]:
    from PIL import Image

    write_icons(at / "icons", "3.24.n40", "1.11.1")
    (at / "classes.json").write_bytes(CLASSES)
    Image.new("RGB", (90, 60)).save(at / "a.png")
    return ["catalogue", at, "--crops", at / "labels.csv", "--json"]


def _predict(at: Path) -> list[object]:
    from PIL import Image

    Image.new("RGB", (90, 60)).save(at / "a.png")
    return ["predict", at / "m.raresign", at / "a.png", "--json"]


def _bundles() -> list[bytes]:
    import tempfile

    from fuzzing.tiny_model import tiny_parts
    from raresign.bundles.archive import write_archive

    with tempfile.TemporaryDirectory() as folder:
        write_archive(Path(folder) / "a.raresign", *tiny_parts())
        return [(Path(folder) / "a.raresign").read_bytes()]


def _map(at: Path) -> list[object]:
    (at / "a.jsonl").write_bytes(answer_lines())
    return ["map", at / "a.jsonl", "--out", at / "o.geojson", "--positions", at / "p.csv"]


_CSV = b"filename,width,height,class,xmin,ymin,xmax,ymax\na.png,90,60,1.11.1,4,2,80,50\n"
_PLACES = b"file,lat,lon,heading,time\na.png,60.1,30.2,90,2026-01-01\n"
_LIST: tuple[tuple[str, str, Callable[[], list[bytes]], tuple[str, ...], Any], ...] = (
    (
        "check-results",
        "a.jsonl",
        lambda: [answer_lines()],
        ("json", "lines"),
        lambda at: ["check-results", at / "a.jsonl"],
    ),
    ("map", "p.csv", lambda: [_PLACES], ("lines",), _map),
    ("catalogue", "classes.json", lambda: [CLASSES], ("json",), _catalogue),
    ("catalogue --crops", "labels.csv", lambda: [_CSV], ("lines",), _crops),
    ("predict", "m.raresign", _bundles, (), _predict),
)

KINDS = [
    Kind(f"command {name}", 25, partial(_command, file, seeds, forms, told))
    for name, file, seeds, forms, told in _LIST
]
