"""Tables and results that people edit or send on."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fuzzing.kind import Kind, Target, reading


def _signs() -> Any:
    from raresign.signs.catalogue.sign_catalogue import SignCatalogue
    from raresign.signs.catalogue.sign_class import SignClass

    codes = ("3.24.n60", "2.5", "stop")
    return SignCatalogue(
        [SignClass(code, number, "freq", (), "ring", None) for number, code in enumerate(codes)]
    )


def _table(name: str, seeds: tuple[str, ...], reader: Callable[[Path], Any], at: Path) -> Target:
    from raresign.errors import InputError

    made = [seed.encode() for seed in seeds]
    return Target(made, reading(at / name, reader), (InputError,), ("lines",))


def _corrections(path: Path) -> object:
    from raresign.commands.corrections import apply_corrections, read_corrections
    from raresign.commands.data_folder import NO_CROPS

    return apply_corrections([NO_CROPS], path.parent, read_corrections(path), _signs())


def _positions(path: Path) -> object:
    from raresign.commands.maps.positions import Positions

    return Positions(path).of("a.jpg")


def _aliases(path: Path) -> object:
    from raresign.commands.allow_list import read_aliases

    return read_aliases(path)


def _thresholds(path: Path) -> object:
    from raresign.commands.allow_list import read_thresholds

    return read_thresholds(path, _signs())


def _allowed(path: Path) -> object:
    from raresign.commands.allow_list import allow_list

    return allow_list(_signs(), only=path)


def _checked(path: Path) -> object:
    from raresign.commands.answers_file import read_checked

    picture = path.with_name("a.png")
    if not picture.exists():
        picture.touch()
    return read_checked(path, _signs())


def _answers() -> list[dict[str, Any]]:
    from raresign.answers.answer import Answer, FileAnswer

    guesses = (
        Answer("3.24.n60", "Speed limit 60 km/h", 0.6, "red ring"),
        Answer("2.5", "Stop", 0.4, "red octagon"),
    )
    good = FileAnswer("a.png", guesses, family="red ring", box=(1.0, 2.0, 30.0, 40.0), track="t")
    return [good.as_dict(), FileAnswer("b.png", (), "the file is empty").as_dict()]


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _results(folder: Path) -> Target:
    from raresign.commands.results_file import check_results, read_results
    from raresign.errors import InputError

    def read(path: Path) -> object:
        problems = list(check_results(path))
        list(read_results(path))
        return not problems

    rows = _answers()
    seeds = [_lines(rows), *(_lines([row]) for row in rows)]
    return Target(seeds, reading(folder / "a.jsonl", read), (InputError,), ("json", "json"))


def _map(folder: Path) -> Target:
    from raresign.commands.maps.map_files import map_answers
    from raresign.errors import InputError

    (folder / "p.csv").write_text("file,lat,lon,heading,time\na.png,60,30,10,2026-01-01T10:00\n")
    outs = [folder / f"out.{suffix}" for suffix in ("geojson", "csv", "jsonl")]

    def read(path: Path) -> object:
        for number, out in enumerate(outs):
            map_answers(path, out, folder / "p.csv", "RU", number == 1, 20.0)
        return True

    seeds = [_lines(_answers())]
    return Target(seeds, reading(folder / "a.jsonl", read), (InputError,), ("json", "lines"))


def _journal(folder: Path) -> Target:
    """What a run that was stopped has left."""
    from raresign.commands.answers_journal import AnswersJournal
    from raresign.errors import InputError

    def read(path: Path) -> object:
        with AnswersJournal(folder / "a.jsonl", {"top": 5}, resume=True) as journal:
            return journal.earlier > 0

    seeds = [_lines([{"raresign": 2, "top": 5}, *_answers()])]
    return Target(seeds, reading(folder / "a.jsonl.part", read), (InputError,), ("lines",))


_BOXED = """\
file,x0,y0,x1,y1,before,after,who,when
a.png,1,2,30,40,2.5,stop,Anna,2026
b.png,,,,,,stop,,
"""
_TABLES: tuple[tuple[str, int, str, tuple[str, ...], Callable[[Path], Any]], ...] = (
    ("corrections.csv", 8_000, "corrections.csv", (_BOXED, "file,after\na,2.5\n"), _corrections),
    (
        "positions",
        8_000,
        "p.csv",
        ("file,lat,lon,heading,time\na.jpg,60.1,30.2,90,2026-01-01\n", "file;lat;lon\na.jpg;1;2\n"),
        _positions,
    ),
    ("aliases", 20_000, "a.csv", ("old,new\n3.1,2.5\n",), _aliases),
    ("thresholds", 6_000, "t.csv", ("code,threshold\n2.5,0.9\n*,0.5\n",), _thresholds),
    ("list of codes", 16_000, "only.txt", ("2.5\n3.24.n60 # limit\n",), _allowed),
    (
        "checked answers",
        1_000,
        "c.csv",
        ("file,code,name,score,same sign,check me,answered\na.png,2.5,Stop,0.9,1,ok,2.5\n",),
        _checked,
    ),
)

KINDS = [
    *(
        Kind(name, inputs, partial(_table, file, seeds, reader))
        for name, inputs, file, seeds, reader in _TABLES
    ),
    Kind("results", 6_000, _results, ("raresign.commands.results_file", "raresign.answers")),
    Kind("results on a map", 500, _map),
    Kind("journal of answers", 2_000, _journal),
]


def answer_lines() -> bytes:
    """A good file of results."""
    return _lines(_answers())
