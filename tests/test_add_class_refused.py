"""`add-class` and `remove-class` where something is wrong: one line, and RUN is as before."""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from raresign.commands.added.add_classes import add_class
from raresign.commands.added.change_classes import add_photos
from raresign.commands.added.remove_classes import remove_class
from raresign.commands.predict_files import predict
from raresign.errors import InputError
from raresign.evaluation.metrics import metrics_from_dict
from raresign.runs.added_classes import read_added
from raresign.runs.photo_embeddings import read_photos
from raresign.runs.run_folder import RunFolder
from raresign.runs.sealed_arrays import load_sealed, save_sealed
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.registry import standard

Cli = Callable[..., Any]
add_module = importlib.import_module("raresign.commands.added.fit_added")
file_module = importlib.import_module("raresign.runs.added_classes")


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def icons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Icons of three new classes, and others that no class can be made of."""
    folder = tmp_path_factory.mktemp("icons")
    for code in ("1.20.2", "5.19.1", "4.1.2", "2.5"):
        (folder / f"{code}.svg").write_text(standard("gost").svg(code), encoding="utf-8")
    Image.new("RGBA", (1, 1), (200, 0, 0, 255)).save(folder / "one.png")
    Image.new("RGBA", (64, 64), (200, 0, 0, 0)).save(folder / "nothing.png")
    (folder / "void.png").write_bytes(b"")
    disc = Image.new("RGBA", (90, 90))
    disc.paste((200, 0, 0, 255), (10, 10, 80, 80))
    disc.save(folder / "cut.png")
    (folder / "cut.png").write_bytes((folder / "cut.png").read_bytes()[:70])
    (folder / "words.svg").write_text("no drawing")
    (folder / "photos").mkdir()
    return folder


@pytest.fixture(scope="module")
def shared_run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory, icons: Path) -> Path:
    """A run with one added class; nobody changes it."""
    run = Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("runs") / "run"))
    add_class(run, [icons / "4.1.2.svg"])
    return run


@pytest.fixture
def run(shared_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shared_run, tmp_path / "run"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["1.20.2.svg", "--code", "2.5"], "2.5"),
        (["1.20.2.svg", "--code", "4.1.2"], "4.1.2"),
        (["1.20.2.svg", "--code", "a", "--code", "b"], "2 codes"),
        (["1.20.2.svg", "5.19.1.svg", "--code", "a"], "1 codes"),
        (["1.20.2.svg", "5.19.1.svg", "--code", "a", "--code", "a"], "twice"),
        (["1.20.2.svg", "--code", "../x"], "../x"),
        (["1.20.2.svg", "--code", ".new"], ".new"),
        (["1.20.2.svg", "--code", ".."], ".."),
        (["2.5.svg", "--code", "stop"], "2.5"),
        (["4.1.2.svg", "--code", "again"], "4.1.2"),
        (["1.20.2.svg", "1.20.2.svg", "--code", "a", "--code", "b"], "'a'"),
        (["1.20.2.svg", "one.png"], "one"),
        (["nothing.png"], "nothing"),
        (["void.png"], "void.png"),
        (["cut.png"], "cut.png"),
        (["words.svg"], "words.svg"),
        (["gone.png"], "gone.png"),
        (["photos"], "photos"),
        (["1.20.2.svg", "--photos", "photos"], "photos"),
        (["1.20.2.svg", "--photos", "gone"], "gone"),
        (["1.20.2.svg", "--photos", "void.png"], "void.png"),
        (["1.20.2.svg", "5.19.1.svg", "--photos", "gone"], "gone"),
        (["1.20.2.svg", "5.19.1.svg", "--photos", "photos"], "photos"),
    ],
)
def test_refused(cli: Cli, shared_run: Path, icons: Path, arguments: list[str], named: str) -> None:
    before = content(shared_run)
    given = [icons / word if (icons / word).exists() or word.startswith("gone") else word
             for word in arguments]  # fmt: skip
    ended = cli("add-class", shared_run, *given)
    assert ended.code == 2, ended
    (line,) = [line for line in ended.err.splitlines() if not line.startswith("warning:")]
    assert line.startswith("error: ")
    assert named in line
    assert content(shared_run) == before
    assert sorted(path.name for path in (shared_run / "added").iterdir()) == ["4.1.2"]


def test_icons_are_looked_at_before_the_net_is_read(
    catalogue: SignCatalogue, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    catalogue.save(run / "catalogue")
    (run / "run.json").write_text('{"stages": [], "finished": true, "settings": {}}')
    (run / "model.safetensors").write_bytes(b"no net at all")
    (tmp_path / "9.9.png").write_bytes(b"no icon")
    with pytest.raises(InputError, match=r"9\.9\.png"):
        add_class(run, [tmp_path / "9.9.png"])


def test_a_run_without_model(cli: Cli, run: Path, icons: Path, tmp_path: Path) -> None:
    (run / "model.safetensors").unlink()
    ended = cli("add-class", run, icons / "1.20.2.svg")
    assert ended.code == 2
    assert "--resume" in ended.err
    assert cli("add-class", tmp_path / "gone", icons / "1.20.2.svg").code == 2
    assert cli("add-class", run).code == 2


@pytest.mark.parametrize(
    ("codes", "named"), [(["2.5"], "trained"), (["9.9"], "4.1.2"), (["4.1.2", "9.9"], "9.9")]
)
def test_refused_removals(cli: Cli, shared_run: Path, codes: list[str], named: str) -> None:
    before = content(shared_run)
    ended = cli("remove-class", shared_run, *codes)
    assert ended.code == 2
    assert named in ended.err
    assert content(shared_run) == before


def test_removal_from_a_run_without_added_classes(cli: Cli, finished_run: Path) -> None:
    ended = cli("remove-class", finished_run, "4.1.2")
    assert ended.code == 2
    assert "none was added" in ended.err


FAILURES = [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()]


def failing(function: Callable[..., Any], after: int, failure: BaseException) -> Callable[..., Any]:
    """`function` that fails once, at its call number `after` from 0."""
    calls: list[int] = []

    def call(*arguments: Any, **options: Any) -> Any:
        calls.append(0)
        if len(calls) == after + 1:
            raise failure
        return function(*arguments, **options)

    return call


@pytest.mark.parametrize("failure", FAILURES, ids=["full disk", "ctrl-c"])
@pytest.mark.parametrize(
    ("place", "name", "after"),
    [
        (shutil, "copyfile", 1),
        (file_module, "save_sealed", 0),
        (file_module, "write_json", 1),
        (add_module, "draw_new_class", 1),
        (Path, "replace", 0),
        (Path, "replace", 5),
        (Path, "replace", 6),  # the last of the new files is written, and nothing counts yet
    ],
)
@pytest.mark.parametrize("earlier", [True, False])
def test_stopped_in_the_middle(
    cli: Cli,
    shared_run: Path,
    finished_run: Path,
    icons: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    place: Any,
    name: str,
    after: int,
    earlier: bool,
) -> None:
    run = Path(shutil.copytree(shared_run if earlier else finished_run, tmp_path / "run"))
    before = content(run)
    with monkeypatch.context() as patch:
        patch.setattr(place, name, failing(getattr(place, name), after, failure))
        ended = cli("add-class", run, icons / "1.20.2.svg", icons / "5.19.1.svg")
    assert ended.code == (130 if isinstance(failure, KeyboardInterrupt) else 2), ended
    assert content(run) == before
    assert (run / "added").exists() == earlier
    assert len(add_class(run, [icons / "1.20.2.svg"])) == 1


def leave_litter(run: Path) -> None:
    """What killed processes leave: half of an addition and half of a removal."""
    for name in (".new/1.20.2", ".gone-4.1.2", ".gone-x"):
        (run / "added" / name).mkdir(parents=True)
        (run / "added" / name / "class.json").write_text("{")


@pytest.mark.parametrize("earlier", [True, False])
def test_litter_is_ignored_and_goes(
    shared_run: Path, finished_run: Path, icons: Path, tmp_path: Path, earlier: bool
) -> None:
    run = Path(shutil.copytree(shared_run if earlier else finished_run, tmp_path / "run"))
    leave_litter(run)
    codes = ["4.1.2"] if earlier else []
    assert [later.sign.code for later in read_added(run)] == codes
    assert list(RunFolder.open(run).catalogue.codes[6:]) == codes
    add_class(run, [icons / "1.20.2.svg"])
    assert sorted(path.name for path in (run / "added").iterdir()) == ["1.20.2", *codes]
    leave_litter(run)
    remove_class(run, ["1.20.2", *codes])
    assert not (run / "added").exists()


@pytest.mark.parametrize("name", ["class.json", "rows.safetensors", "icon.svg"])
def test_a_run_survives_a_damaged_class(
    cli: Cli, run: Path, icons: Path, data_folder: Path, name: str
) -> None:
    place = run / "added" / "4.1.2" / name
    if name.startswith("icon"):
        place.unlink()
    else:
        place.write_bytes(place.read_bytes()[:20])
    ended = cli("predict", run, data_folder / "smalltest")
    assert ended.code == 0
    assert ended.err.count("added/4.1.2 is damaged") == 1
    ended = cli("add-class", run, icons / "4.1.2.svg")
    assert ended.code == 2
    assert "damaged: remove it first" in ended.err
    ended = cli("add-class", run, icons / "1.20.2.svg", "--train", "1 steps")
    assert ended.code == 2
    assert "damaged classes" in ended.err
    assert cli("remove-class", run, "4.1.2").code == 0
    assert len(add_class(run, [icons / "4.1.2.svg"])) == 1
    assert RunFolder.open(run).catalogue.codes[6:] == ("4.1.2",)


def test_many_commands_at_once(
    shared_run: Path, icons: Path, data_folder: Path, tmp_path: Path
) -> None:
    """Added, removed, given photos and read at the same time: nothing is lost, nobody fails."""
    run = Path(shutil.copytree(shared_run, tmp_path / "run"))
    crops = sorted((data_folder / "cropped-train" / "2.5").iterdir())
    test = data_folder / "smalltest"
    with ThreadPoolExecutor(6) as pool:
        jobs: list[Any] = [
            pool.submit(add_class, run, [icons / "1.20.2.svg"]),
            pool.submit(add_class, run, [icons / "5.19.1.svg"]),
            pool.submit(add_photos, run, "2.5", crops[:2]),
            pool.submit(add_photos, run, "2.5", crops[2:4]),
            pool.submit(remove_class, run, ["4.1.2"]),
        ]
        jobs.append(pool.submit(lambda: [one.as_dict() for one in predict(run, [test])]))
        for job in jobs:
            job.result()
    with pytest.raises(InputError, match=r"'1\.20\.2' is already in the run"):
        add_class(run, [icons / "1.20.2.svg"])
    folder = RunFolder.open(run)
    assert sorted(folder.catalogue.codes[6:]) == ["1.20.2", "5.19.1"]
    assert len({sign.id for sign in folder.catalogue.classes}) == 8
    (known,) = read_photos(run)
    assert (known[0], len(known[1].embedding)) == ("2.5", 4)
    assert len(folder.recogniser().catalogue) == 8


@pytest.mark.parametrize("name", ["recognition.safetensors", "model.safetensors", "encoder.onnx"])
def test_one_changed_bit_of_what_answers_is_told(
    cli: Cli, run: Path, data_folder: Path, name: str
) -> None:
    data = (run / name).read_bytes()
    test = data_folder / "smalltest" / "0001.png"
    for place in (len(data) // 3, len(data) // 2, len(data) - 200):
        changed = bytes([data[place] ^ 4])
        (run / name).write_bytes(data[:place] + changed + data[place + 1 :])
        ended = cli("predict", run, test)
        assert ended.code == 2, (name, place)
        assert name in ended.err


@pytest.mark.parametrize(
    "change",
    [{"classes": 10**9}, {"classes": float("nan")}, {"embedding": 10**9},
     {"drop_rate": float("nan")}, {"backbone": "hf-hub:someone/net"}, {"crop_size": "64"}],
)  # fmt: skip
def test_a_strange_model_json_is_one_message(run: Path, change: dict[str, Any]) -> None:
    file = run / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(InputError, match=r"model\.json is damaged"):
        RunFolder.open(run).model()


def test_values_of_other_types_in_what_answers(run: Path) -> None:
    file = run / "recognition.safetensors"
    arrays, plain = load_sealed(file)
    for key, value in (("fusion", []), ("families", 3), ("rule", {"levels": "x"}), ("rare", "yes")):
        save_sealed(file, arrays, {**plain, key: value})
        with pytest.raises(InputError, match="is damaged"):
            RunFolder.open(run).recogniser()


def test_test_crops_that_cannot_be_read_are_counted(
    cli: Cli, run: Path, own_data: Path, tmp_path: Path
) -> None:
    broken = own_data / "smalltest" / "0002.png"
    broken.write_bytes(bytes(len(broken.read_bytes())))
    ended = cli("evaluate", run, own_data, "--out", tmp_path / "out")
    assert ended.code == 0
    assert "1 of 12 test crops could not be read" in ended.err
    assert "0002.png (no PNG" in ended.err
    figures = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert [path for path, _ in figures["unreadable"]] == ["smalltest/0002.png"]
    assert figures["crops"] == 11
    assert metrics_from_dict(figures).unreadable[0][1].startswith("no PNG")


def test_python_callers_get_an_input_error(run: Path, icons: Path) -> None:
    with pytest.raises(InputError, match="0 icons"):
        add_class(run, [])
    with pytest.raises(InputError, match=r"2\.5"):
        remove_class(run, ["2.5"])
