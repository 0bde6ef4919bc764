"""The command line: exit codes, one clear line for what a user can mend, JSON that parses."""

from __future__ import annotations

import errno
import importlib
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

import raresign
from raresign.answers.answer import Answer, FileAnswer
from raresign.cli.answers_table import AnswersTable
from raresign.cli.app import main
from raresign.cli.options import duration
from raresign.errors import InputError

COMMANDS = ("demo", "train", "evaluate", "compare", "predict", "synth", "catalogue", "bench")
train_module = importlib.import_module("raresign.commands.train.train_run")
Cli = Callable[..., Any]
Tiny = Callable[..., dict[str, Any]]


def errors_of(ended: Any) -> list[str]:
    """The lines on the error channel that are no warnings."""
    return [line for line in ended.err.splitlines() if line and not line.startswith("warning:")]


def assert_refused(ended: Any, *named: str) -> None:
    """Exit code 2, one line, no traceback, and the line names what is wrong."""
    assert ended.code == 2, ended
    (line,) = errors_of(ended)
    assert line.startswith("error: ")
    for text in named:
        assert text in line
    assert "Traceback" not in ended.err + ended.out


@pytest.fixture
def recipe(tmp_path: Path, tiny: Tiny) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(json.dumps(tiny()))  # JSON is YAML
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(cli: Cli, command: str) -> None:
    ended = cli(command, "--help")
    assert ended.code == 0
    assert f"raresign {command}" in ended.out.split("Example:")[1]


def test_help_is_in_plain_words(cli: Cli) -> None:
    """`DATA`, `FOLDER`, `NUMBER`: no `{data}`, `<int range>`, `<list[Path]>` or `0<=x<=...`."""
    listed = cli("--help").out.partition("Commands:")[2].split("Exit codes")[0]
    commands = re.findall(r"^  ([a-z-]+) ", listed, flags=re.M)
    assert len(commands) >= 17
    for command in commands:
        shown = cli(command, "--help").out
        found = re.findall(r"<(?:\w+\[|str|int|float|path|choice)[^>]*>|\{\w+|<=|>=", shown, re.I)
        assert not found, (command, found)
        assert re.search(r"Usage: .*\[OPTIONS\]( \[?[A-Z]|$)", shown, re.M)


def test_overview_names_every_command(cli: Cli) -> None:
    ended = cli("--help")
    assert ended.code == 0
    assert all(command in ended.out for command in COMMANDS)


def test_usage_errors_exit_with_2(cli: Cli) -> None:
    assert cli("train").code == 2
    assert cli("fly").code == 2
    assert cli("train", "data", "--out", "x", "--seed", "seven").code == 2


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2 m ", 120)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "10 minutes", "-5m", "0", "0m", "1e3", "m", "1:30"])
def test_impossible_durations(text: str) -> None:
    with pytest.raises(InputError, match="--max-time"):
        duration(text)


class TestWrongInput:
    @pytest.fixture
    def train(self, cli: Cli, tmp_path: Path, recipe: Path) -> Callable[..., Any]:
        """`raresign train`, which must leave nothing behind where it refuses."""

        def call(data: Path, *options: object) -> Any:
            named = () if "--recipe" in options else ("--recipe", recipe)
            ended = cli("train", data, "--out", tmp_path / "run", *named, *options)
            assert not (tmp_path / "run").exists()
            return ended

        return call

    def test_missing_folder(self, train: Cli, tmp_path: Path) -> None:
        assert_refused(train(tmp_path / "gone"), "gone")

    def test_empty_folder(self, train: Cli, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        assert_refused(train(tmp_path / "empty"), "classes.json")

    def test_a_file_for_a_folder(self, train: Cli, recipe: Path) -> None:
        assert_refused(train(recipe), "tiny.yaml")

    def test_invalid_json(self, train: Cli, own_data: Path) -> None:
        (own_data / "classes.json").write_text('{"2.5": {"id": 1,\n "type": freq}}')
        assert_refused(train(own_data), "line 2", "column 10")

    def test_truncated_icon(self, train: Cli, own_data: Path) -> None:
        icon = own_data / "icons" / "2.5.png"
        Image.new("RGBA", (90, 90), (200, 0, 0, 255)).save(icon)
        icon.write_bytes(icon.read_bytes()[:70])
        (own_data / "icons" / "2.5.svg").unlink()
        assert_refused(train(own_data), "2.5.png")

    def test_icon_of_one_pixel(self, train: Cli, own_data: Path) -> None:
        Image.new("RGBA", (1, 1), (200, 0, 0, 255)).save(own_data / "icons" / "2.5.png")
        (own_data / "icons" / "2.5.svg").unlink()
        assert_refused(train(own_data), "2.5.png")

    def test_class_without_icon(self, train: Cli, own_data: Path) -> None:
        for code in ("2.5", "4.1.1"):
            (own_data / "icons" / f"{code}.svg").unlink()
        assert_refused(train(own_data), "2.5", "4.1.1")

    def test_unknown_type(self, train: Cli, own_data: Path) -> None:
        (own_data / "classes.json").write_text('{"2.5": {"id": 1, "type": "common"}}')
        assert_refused(train(own_data), "common", "2.5")

    def test_only_unknown_classes(self, train: Cli, own_data: Path) -> None:
        (own_data / "cropped-train").rename(own_data / "old")
        (own_data / "cropped-train").mkdir()
        (own_data / "old" / "2.5").rename(own_data / "cropped-train" / "7.7")
        assert_refused(train(own_data), "none of the 8 real crops")

    def test_no_crop_at_all(self, train: Cli, own_data: Path) -> None:
        shutil.rmtree(own_data / "cropped-train")
        (own_data / "cropped-train").mkdir()
        assert_refused(train(own_data), "cropped-train")

    def test_corrupt_crop_when_strict(self, train: Cli, own_data: Path) -> None:
        (own_data / "cropped-train" / "2.5" / "3.png").write_bytes(b"\x89PNG")
        assert_refused(train(own_data, "--strict"), "3.png")

    def test_recipe_names(self, train: Cli, data_folder: Path) -> None:
        assert_refused(train(data_folder, "--recipe", "defualt"), "defualt", "default")

    def test_recipe_keys(self, train: Cli, data_folder: Path, recipe: Path, tiny: Tiny) -> None:
        wrong = tiny({"use": "mixed", "stepz": 4})
        recipe.write_text(json.dumps(wrong))
        assert_refused(train(data_folder), "stages.0.stepz", "tiny.yaml")

    def test_backbones(self, train: Cli, data_folder: Path) -> None:
        ended = train(data_folder, "--backbone", "mobilenetv2_10")
        assert_refused(ended, "mobilenetv2_10", "mobilenetv2_100")

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--max-time", "nonsense"),
            ("--crop-size", "100000"),
            ("--crop-size", "-1"),
            ("--crop-size", "0"),
            ("--weights", "gone.safetensors"),
            ("--layout", "piles"),
            ("--accelerator", "abacus"),
            ("--devices", "0"),
            ("--precision", "vague"),
        ],
    )
    def test_options(self, train: Cli, data_folder: Path, option: str, value: str) -> None:
        assert_refused(train(data_folder, option, value), value)

    def test_resume_of_nothing(self, train: Cli, data_folder: Path) -> None:
        assert_refused(train(data_folder, "--resume"), "there is no such run folder")

    def test_other_commands(self, cli: Cli, data_folder: Path, tmp_path: Path) -> None:
        assert_refused(cli("evaluate", tmp_path, data_folder), "run.json")
        assert_refused(cli("compare", tmp_path, tmp_path), "run.json")
        assert_refused(cli("predict", tmp_path, data_folder), "run.json")
        assert_refused(cli("catalogue", tmp_path), "classes.json")
        assert_refused(cli("bench", "speed"), "speed")
        out = tmp_path / "crops"
        assert_refused(cli("synth", data_folder, "--out", out, "--preset", "raod"), "raod", "road")
        assert_refused(cli("synth", data_folder, "--out", out, "--per-class", "0"), "0 crops")
        assert_refused(cli("demo", "--out", data_folder), str(data_folder))

    def test_existing_run(self, cli: Cli, finished_run: Path, data_folder: Path) -> None:
        assert_refused(cli("train", data_folder, "--out", finished_run), "--resume")

    def test_brackets_are_no_markup(self, cli: Cli, tmp_path: Path) -> None:
        assert_refused(cli("catalogue", tmp_path / "[/red] [bold]"), "[/red] [bold]")


def test_train_says_where_the_report_is(
    cli: Cli, own_data: Path, tmp_path: Path, recipe: Path
) -> None:
    Image.new("RGB", (32, 32)).save(own_data / "cropped-train" / "stray.png")
    out = tmp_path / "my [run]"
    ended = cli("train", own_data, "--out", out, "--recipe", recipe, "--accelerator", "cpu")
    assert ended.code == 0
    assert errors_of(ended) == []
    assert "my [run]/report.html" in ended.out
    assert "stage 1 of 1" in ended.out
    assert "left out of the crops as they were given: 1; the report says why" in ended.out
    again = cli("train", own_data, "--out", out, "--resume")
    assert again.code == 0
    assert "already finished" in again.out


def test_json_of_every_command(
    cli: Cli, finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    metrics = cli("evaluate", finished_run, data_folder, "--out", tmp_path, "--json")
    assert json.loads(metrics.out) == json.loads((tmp_path / "metrics.json").read_text())
    comparison = cli("compare", finished_run, finished_run, "--json")
    assert json.loads(comparison.out)["all"]["difference"] == 0
    classes = json.loads(cli("catalogue", data_folder, "--json").out)
    assert [row["training_crops"] for row in classes if row["code"] == "2.5"] == [8]
    assert [row["twin"] for row in classes if row["code"] == "1.11.2"] == ["1.11.1"]
    lines = cli("predict", finished_run, data_folder / "smalltest", "--json").out.splitlines()
    assert len(lines) == 12
    assert all(len(json.loads(line)["answers"]) == 3 for line in lines)


def test_tables_of_every_command(
    cli: Cli, finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    assert "rare" in cli("evaluate", finished_run, data_folder, "--out", tmp_path).out
    assert "no difference" in cli("compare", finished_run, finished_run).out
    table = cli("catalogue", data_folder).out
    assert "3.24.n60" in table
    assert "red ring" in table
    assert "6 classes: " in table
    assert "stop" in cli("predict", finished_run, data_folder / "smalltest", "--top", 6).out.lower()


def test_catalogue_recognises_annotations(cli: Cli, data_folder: Path, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    sign = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 30, 30]}
    lists = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "2.5"}],
        "annotations": [sign],
    }
    (tmp_path / "x.json").write_text(json.dumps(lists))
    ended = cli("catalogue", data_folder, "--crops", tmp_path / "x.json", "--json")
    assert "layout: coco, recognised by x.json" in ended.err
    assert [row["training_crops"] for row in json.loads(ended.out) if row["code"] == "2.5"] == [1]


def test_broken_files_are_rows(
    cli: Cli, finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "crops [" / "red]"  # with the slash an end tag of rich's markup
    folder.mkdir(parents=True)
    shutil.copy(data_folder / "smalltest" / "0001.png", folder / "a.png")
    (folder / "b.png").write_bytes(b"\x89PNG\r\n")
    ended = cli("predict", finished_run, folder, "--json")
    assert ended.code == 3  # some, not all
    good, broken = map(json.loads, ended.out.splitlines())
    assert good["error"] is None
    assert broken["error"]
    assert broken["answers"] == []
    assert good["answer"]
    assert [broken[key] for key in ("answer", "level", "known", "family")] == [None] * 4
    ended = cli("predict", finished_run, folder)
    assert ended.code == 3
    cells = [row.split("│")[1:3] for row in ended.out.splitlines() if row.startswith("│")]
    assert "crops [/red]/b.png" in "".join(file.strip() for file, _ in cells)  # never cut
    assert any(said.strip().startswith("error:") for _, said in cells)
    assert "2 crops: " in ended.out
    assert "1 not readable" in ended.out
    assert_refused(cli("predict", finished_run, folder / "b.png"), "b.png")
    assert_refused(
        cli("predict", finished_run, folder / "b.png", folder / "c.png"), "none of the 2"
    )


def table_of(answers: list[FileAnswer], rule: object = None, most: int | None = None) -> str:
    table = AnswersTable(most)
    for one in answers:
        table.add(one)
    text = io.StringIO()
    table.print_to(Console(file=text, width=90), rule)
    return text.getvalue()


def test_unsure_answers_come_with_guesses() -> None:
    rule = SimpleNamespace(accepted_error=0.05)
    guess = Answer("5.19.1", "Crossing", 0.7, "blue square")
    sure = FileAnswer("b.png", (guess,), family="blue square")
    unsure = replace(sure, path="a.png", level="family")
    shown = table_of([unsure, unsure, sure], rule)
    assert "unknown blue square" in shown
    assert "perhaps 5.19.1 Crossing" in shown
    assert shown.count("70.0") == 1, "no certainty beside unknown"
    assert "1 of 3 crops are answered with a class" in shown
    assert "at most 5 % of such" in shown
    assert "3 crops: 1 named (1 of them with less than 90 %), 2 unknown, 0 no sign" in shown
    assert "of 2 crops" not in table_of([unsure, sure], rule)


def test_many_crops_are_a_short_table() -> None:
    guess = Answer("5.19.1", "Crossing", 0.97, "blue square")
    answers = [FileAnswer(f"{n}.png", (guess,)) for n in range(200)]
    answers[150] = FileAnswer("150.png", (), "the file is empty")
    shown = table_of(answers, most=20)
    assert len(shown.splitlines()) < 30
    assert "150.png" in shown, "a broken file is told wherever it stands"
    assert "199 named" in shown
    assert "179 more are not shown" in shown


def test_synth_command(cli: Cli, data_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "crops"
    options = ("--out", out, "--per-class", 2, "--size", 16)
    ended = cli("synth", data_folder, *options)
    assert ended.code == 0
    assert "12 crops written" in ended.out
    assert "0 crops written" in cli("synth", data_folder, *options).out


class TestFullDisk:
    def test_run_json(
        self,
        cli: Cli,
        data_folder: Path,
        tmp_path: Path,
        recipe: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        replace = Path.replace

        def full(self: Path, target: Path) -> Path:
            if Path(target).name == "run.json":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", full)
        ended = cli("train", data_folder, "--out", tmp_path / "run", "--recipe", recipe)
        assert_refused(ended, "No space left", "run.json")
        assert not list((tmp_path / "run").glob("**/*run-*.json"))  # no litter

    def test_report_of_an_earlier_run_stays_whole(
        self,
        cli: Cli,
        finished_run: Path,
        data_folder: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        run = Path(shutil.copytree(finished_run, tmp_path / "run"))
        before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(Path, "replace", full)
        assert_refused(cli("evaluate", run, data_folder), "No space left")
        assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before

    def test_files_that_do_not_fit(
        self,
        cli: Cli,
        data_folder: Path,
        tmp_path: Path,
        recipe: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A real limit stops a checkpoint, then the model; each time the run goes on later."""
        save_model = train_module.save_model

        def limited(*args: Any) -> None:
            with largest_file(100_000):
                save_model(*args)

        out = tmp_path / "run"
        with largest_file(300_000):
            ended = cli("train", data_folder, "--out", out, "--recipe", recipe)
        assert_refused(ended, "File too large")
        monkeypatch.setattr(train_module, "save_model", limited)
        ended = cli("train", data_folder, "--out", out, "--resume")
        assert_refused(ended, "too large", "run")
        assert not (out / "model.safetensors").exists()
        assert (out / "stages" / "01-mixed" / "last.ckpt").exists()  # the stage is not lost
        monkeypatch.setattr(train_module, "save_model", save_model)
        ended = cli("train", data_folder, "--out", out, "--resume")
        assert ended.code == 0, ended.err
        assert (out / "report.html").exists()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("failure", [KeyboardInterrupt, raresign.Interrupted(Path("last.ckpt"))])
def test_ctrl_c_is_130(
    cli: Cli,
    data_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(raresign, "train", stop, raising=False)
    ended = cli("train", data_folder, "--out", tmp_path / "run")
    assert ended.code == 130
    assert "interrupted" in ended.err
    assert ("--resume" in ended.err) == isinstance(failure, raresign.Interrupted)


def test_our_own_failures_show_where(
    cli: Cli, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug is not dressed up as the user's mistake."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(raresign, "catalogue_rows", fail, raising=False)
    with pytest.raises(ZeroDivisionError):
        cli("catalogue", data_folder)


@pytest.mark.slow
def test_ctrl_c_in_a_process_of_its_own(
    cli: Cli, data_folder: Path, tmp_path: Path, recipe: Path, tiny: Tiny
) -> None:
    stage = {"kind": "mixed", "steps": 15, "real": 4, "synthetic": 4, "validate_every": 1}
    recipe.write_text(json.dumps(tiny(stage)))
    out = tmp_path / "run"
    command = [sys.executable, "-m", "raresign", "train", str(data_folder), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--recipe", str(recipe)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        curve = out / "stages" / "01-mixed" / "metrics.csv"
        deadline = time.monotonic() + 120
        while not curve.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "--resume" in err
    assert (curve.parent / "last.ckpt").exists()
    assert raresign.RunFolder.open(out).info["finished"] is False
    ended = cli("train", data_folder, "--out", out, "--resume")
    assert ended.code == 0, ended.err
    assert raresign.RunFolder.open(out).info["stages"][0]["steps"] == 15
    assert len(curve.read_text().splitlines()) == 16
    assert not (curve.parent / "last.ckpt").exists()


def test_the_program_exits_with_the_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["raresign", "catalogue", str(tmp_path / "gone")])
    with warnings.catch_warnings(), pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("error: ")
