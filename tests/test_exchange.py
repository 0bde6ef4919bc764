"""Files of a run exchanged at once: killed anywhere, the run is the old one or the new one."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from raresign.runs.exchange import exchange, finish_exchange

OLD = {"model": "old", "added/a/row": "old", "added/b/row": "old", "stages/log": "kept"}
NEW = {"model": "new", "added/a/row": "new", "added/c/row": "new", "more/c": "new"}
AFTER = {**NEW, "stages/log": "kept"}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def content(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def change(run: Path) -> None:
    with exchange(run) as place:
        write(place, NEW)


class Killed(BaseException):
    """Nothing that follows it happens."""


def killed(after: int, patch: pytest.MonkeyPatch, *more: tuple[Any, str]) -> None:
    """Calls that change folders, and `more`, work `after` times, then none does."""
    calls: list[str] = []

    def dying(function: Any) -> Any:
        def call(*given: Any, **options: Any) -> Any:
            calls.append("")
            if len(calls) > after:
                raise Killed
            return function(*given, **options)

        return call

    folders = ((Path, "replace"), (Path, "mkdir"), (Path, "rmdir"), (shutil, "rmtree"))
    for place, name in (*folders, *more):
        patch.setattr(place, name, dying(getattr(place, name)))


@pytest.mark.parametrize("after", range(26))
def test_killed(after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    write(run, OLD)
    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        killed(after, patch)
        change(run)
    finish_exchange(run)
    found = {key: text for key, text in content(run).items() if not key.startswith(".next")}
    assert found in (OLD, AFTER)
    change(run)
    assert content(run) == AFTER
    assert not [path for path in run.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("after", range(12))
def test_a_killed_removal_leaves_no_empty_folder(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    write(run, OLD)

    def remove() -> None:
        with exchange(run) as place:
            (place / "added").mkdir()

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        killed(after, patch)
        remove()
    finish_exchange(run)
    if (run / "added").exists():
        assert content(run / "added") == {"a/row": "old", "b/row": "old"}
        remove()
    assert not (run / "added").exists()


def test_what_fails_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, OLD)

    def fail() -> None:
        with exchange(tmp_path) as place:
            write(place, NEW)
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert content(tmp_path) == OLD
    assert sorted(path.name for path in tmp_path.iterdir()) == ["added", "model", "stages"]
