"""Every code block of README.md and docs/ runs, so that a reader may copy any of them.

A page runs from top to bottom in one folder with DATA, RUN, OTHER (a second run), crops/ and
new.svg. Trainings and other long commands run for real, but short: see `short`.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import timm
import typer
import yaml
from PIL import Image

import raresign
from conftest import CROP_SIZE, Ended, tiny_stages
from docs_blocks import LANGUAGES, PAGES, ROOT, Block, blocks, inline_commands
from docs_served import Served
from raresign.cli.app import app
from raresign.lab.protocol.ideas import load_ideas
from tiny_data import write_data, write_photo

Cli = Callable[..., Ended]


@pytest.fixture(scope="session")
def desk(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every page finds in its folder."""
    folder = tmp_path_factory.mktemp("desk")
    data = write_data(folder / "DATA")
    for code in ("1.11.1", "2.5", "3.24.n40", "4.1.1"):  # enough for fit-camera
        for number in range(100, 106):
            write_photo(data / "cropped-train" / code / f"{number}.png", code, number)
    for name in ("RUN", "OTHER"):
        shutil.copytree(finished_run, folder / name)
    shutil.copytree(data / "smalltest", folder / "crops")
    drawing = raresign.standard("gost").svg("3.13.r2.9")
    (folder / "new.svg").write_text(drawing, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def done() -> dict[Any, Any]:
    """What the slowest commands gave on the first page that has them; other pages get it again."""
    return {}


@pytest.fixture
def short(
    monkeypatch: pytest.MonkeyPatch,
    done: dict[Any, Any],
    data_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Long commands check all that they were given, then do little of it."""

    def change(name: str, short_form: Callable[..., Any]) -> None:
        monkeypatch.setattr(raresign, name, short_form, raising=False)

    train, fit, realism = raresign.train, raresign.fit_camera, raresign.compare_realism
    synth, sheets, bench = raresign.synthesise, raresign.synth_sheets, raresign.run_bench
    protocol, absent = raresign.protocol, raresign.protocol_absent
    pictures, likeness = raresign.sign_sheets, raresign.compare_signs
    few: dict[str, Any] = {"size": CROP_SIZE, "most": 90}

    def short_train(data: Any, out: Any, recipe: Any = "default", **options: Any) -> Path:
        chosen = raresign.load_recipe(recipe)
        if options.get("preset"):
            raresign.load_preset(options["preset"])
        assert timm.is_model(options.get("backbone") or "resnet50")
        for name in ("weights", "backbone", "crop_size", "preset", "hardware"):
            options.pop(name, None)
        if (Path(out) / "run.json").exists():  # the run that the page has from the start
            raresign.open_data(data, icons=options.get("icons"))
            return Path(out)
        mixed = {"kind": "mixed", "steps": 1, "real": 4, "synthetic": 4, "validate_every": 1}
        kinds = {stage.kind for stage in chosen.stages}
        if not any(stage.real or stage.balanced for stage in chosen.stages):
            mixed = {"kind": "synthetic", "steps": 1, "synthetic": 4, "validate_every": 1}
        assert kinds <= {"pretrain", "synthetic", "mixed", "metric"}
        tiny = {**tiny_stages(mixed), "recognition": "softmax"}
        special = ("crops", "icons", "country", "resume", "strict")
        if mixed["kind"] != "mixed" or any(options.get(name) for name in special):
            return train(data, out, tiny, **{**options, "report": False})
        raresign.open_data(data)
        if "train" not in done:
            once = tmp_path_factory.mktemp("trained") / "ONCE"
            done["train"] = train(data, once, tiny, report=False)
        return Path(shutil.copytree(done["train"], out))

    def short_protocol(
        call: Any, data: Any, out: Any, recipe: Any = "protocol", **options: Any
    ) -> Any:
        raresign.load_recipe(recipe)
        if options.get("ideas"):
            load_ideas(options.pop("ideas"))
            options.pop("only")
        raresign.open_data(data)
        if "reference" in options:
            options["reference"] = False
        if call not in done:
            tiny = Path("tiny.yaml")
            tiny.write_text(json.dumps(tiny_stages()), encoding="utf-8")
            options |= {"folds": 2, "seeds": 1, "jobs": 1}
            done[call] = call(data_folder, out, tiny, **options)
        return done[call]

    def short_sheets(*given: Any, preset: Any = "road", **options: Any) -> Any:
        raresign.load_preset(preset)
        if "sheets" not in done:
            options["size"] = CROP_SIZE
            done["sheets"] = sheets(*given, preset="reference", **options)
        return done["sheets"]

    def short_synth(data: Any, out: Any, *, per_class: int = 100, **options: Any) -> Any:
        few_classes = "DATA" if raresign.is_drawn(data) else data
        return synth(few_classes, out, per_class=min(per_class, 2), **options)

    def short_fit(data: Any, crops: Any = None, out: Any = "camera.yaml", **options: Any) -> Any:
        raresign.open_data(data, crops)
        if "fit" not in done:
            found = fit(data, crops, out, **options, **few, rounds=1, simulations=200)
            done["fit"] = found, Path(out).read_text(encoding="utf-8")
        Path(out).write_text(done["fit"][1], encoding="utf-8")
        return done["fit"][0]

    change("train", short_train)
    change("protocol", lambda *a, **k: short_protocol(protocol, *a, **k))
    change("protocol_absent", lambda *a, **k: short_protocol(absent, *a, **k))
    change("synth_sheets", short_sheets)
    change("synthesise", short_synth)
    change("fit_camera", short_fit)
    change("compare_realism", lambda *a, **k: realism(*a, **{**k, **few, "pixels": False}))
    change("run_bench", lambda part="all", **_: bench("sampler", quick=bool(part)))
    change("sign_sheets", lambda out, name, codes, icons=None: pictures(out, name, ["2.5"]))
    change("compare_signs", lambda icons, name, codes=(): likeness(icons, name, ["2.5", "4.1.1"]))


class Reader:
    """Does what a page says, block after block, in the present folder."""

    def __init__(self, cli: Cli, module: ModuleType) -> None:
        self.cli = cli
        self.names = module.__dict__
        self.served = Served()

    def read(self, block: Block) -> None:
        assert block.language in LANGUAGES, f"{block.where}: name the language of the block"
        if block.file is not None:
            Path(block.file).write_text(block.text, encoding="utf-8")
        if block.language == "sh":
            for command in block.commands:
                self.shell(block, command)
        elif block.language == "python":
            exec(compile("\n" * block.line + block.text, block.page, "exec"), self.names)
        elif block.language == "yaml":
            check_yaml(block)
        elif block.language == "json":
            check_json(block)

    def shell(self, block: Block, command: str) -> None:
        words = shlex.split(command, comments=True)
        words[0] = words[0].removeprefix(".venv/bin/")
        where = f"{block.where}: {command}"
        if words[:2] == ["raresign", "serve"]:
            assert words.pop() == "&", f"{where}: it would not end"
            self.served.start(words[1:])
        elif words[0] == "curl":
            answer = self.served.curl(command)
            assert answer.status_code < 300, f"{where}\n{answer.text}"
        elif words[0] == "raresign":
            ended = self.cli(*words[1:])
            assert ended.code == 0, f"{where}\n{ended.out}{ended.err}"
            if words[1] == "new-key":
                self.served.key = ended.out.strip()
        elif words[0] == "make":
            targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
            assert words[1] in targets, where
        elif words[:2] == ["pip", "install"]:
            extras = re.findall(r"\[(\w+)\]", words[-1])
            known = (ROOT / "pyproject.toml").read_text()
            assert extras, where
            assert all(re.search(rf"^{extra} = \[", known, re.M) for extra in extras), where
        elif words[0] == "python":
            check_tool(words[1:], where)
        else:
            raise AssertionError(f"{where}: not a command that this test knows")


def check_tool(words: list[str], where: str) -> None:
    """`python tools/x.py --option`: the file is there and knows the options."""
    script = ROOT / words[0]
    assert script.is_file(), where
    text = script.read_text(encoding="utf-8")
    assert all(f'"{word}"' in text for word in words if word.startswith("--")), where


def check_yaml(block: Block) -> None:
    """A recipe, a list of ideas, or a preset, as `train` would read it."""
    file = Path(block.file or "block.yaml")
    file.write_text(block.text, encoding="utf-8")
    values = yaml.safe_load(block.text)
    if isinstance(values, list):
        load_ideas(file)
    elif "stages" in values:
        raresign.load_recipe(file)
    else:
        raresign.load_preset(file)


def check_json(block: Block) -> None:
    """Valid JSON; a classes.json opens as a catalogue once its icons are there."""
    values = json.loads(block.text)
    rows = {code: row for code, row in values.items() if isinstance(row, dict) and "id" in row}
    if not rows:
        return
    folder = Path(f"classes-{block.line}")
    (folder / "icons").mkdir(parents=True)
    (folder / "classes.json").write_text(block.text, encoding="utf-8")
    looks = ("2.1", "2.5", "3.1", "4.1.1", "5.1", "1.16", "6.4", "3.24.n60")
    for code, look in zip(rows, looks, strict=False):
        drawing = raresign.standard("gost").svg(look)
        (folder / "icons" / f"{code}.svg").write_text(drawing, encoding="utf-8")
    assert set(raresign.SignCatalogue.from_folder(folder).codes) == set(rows)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_runs(
    page: Path,
    desk: Path,
    short: None,
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    todo = [block for block in blocks(page) if block.skip is None]
    if not any(block.language in {"sh", "python", "yaml", "json"} for block in todo):
        assert all(block.language in LANGUAGES for block in todo)
        return
    place = Path(shutil.copytree(desk, tmp_path / "desk"))
    monkeypatch.chdir(place)
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # as for a script of its own
    reader = Reader(cli, module)
    with closing(reader.served):
        for block in todo:
            reader.read(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_text_exist(page: Path) -> None:
    group = typer.main.get_command(app)
    known = {
        name: {
            option for param in command.params for option in (*param.opts, *param.secondary_opts)
        }
        for name, command in group.commands.items()
    }
    for command in inline_commands(page):
        words = command.split()
        assert words[1] in known, command
        options = [word.split("=")[0] for word in words if word.startswith("--")]
        assert set(options) <= known[words[1]] | {"--help"}, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http", "#", "mailto:")):
            assert (page.parent / target.split("#")[0]).exists(), target


def test_pictures_are_small() -> None:
    for file in (ROOT / "docs" / "images").rglob("*.*"):
        assert file.stat().st_size < 700_000, file
        Image.open(file).verify()


def test_what_is_skipped_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = [block for page in PAGES for block in blocks(page) if block.skip is not None]
    with capsys.disabled():
        print(f"\n{len(skipped)} blocks of the documentation are not run")
        for block in skipped:
            print(f"  {block.where}: {block.skip}")
    assert all(len((block.skip or "").split()) >= 3 for block in skipped)
    assert len(skipped) <= 5, "run them instead"
