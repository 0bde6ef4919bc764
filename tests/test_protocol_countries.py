"""The protocol on two data folders, with and without absent classes, and its framing sweep."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from raresign.crops.layouts.folder_layout import from_folders
from raresign.crops.pack import pack_crops
from raresign.crops.reframing import reframed
from raresign.errors import InputError
from raresign.framing.framed_picture import framed
from raresign.lab.protocol.countries_table import CountriesTable
from raresign.lab.protocol.run_trials import protocol
from raresign.lab.protocol.several_folders import protocol_absent_countries, protocol_countries
from raresign.lab.protocol.trial_framing import load_framing, write_framing
from raresign.lab.protocol.verdict import Change, verdict_of
from raresign.models.outputs import net_outputs
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

jobs_module = importlib.import_module("raresign.lab.protocol.trial_jobs")
IDEA = "less smoothing"
QUICK: dict[str, Any] = {"folds": 2, "seeds": 1}


class Countries:
    """A protocol of two data folders."""

    def __init__(self, data: Path, folder: Path, tiny: Callable[..., Any]) -> None:
        self.out, self.recipe = folder / "out", folder / "tiny.yaml"
        self.recipe.write_text(json.dumps({**tiny(), "index_crops": 4}))
        self.ideas = folder / "ideas.yaml"
        self.ideas.write_text(json.dumps([{"title": IDEA, "stage": {"label_smoothing": 0.05}}]))
        self.folders = [folder / "first", folder / "second"]
        for place in self.folders:
            shutil.copytree(data, place)
        shutil.rmtree(self.folders[1] / "cropped-train" / "2.5")
        self.options: dict[str, Any] = {**QUICK, "ideas": self.ideas, "reference": False}
        self.table = protocol_countries(
            self.folders, self.out, self.recipe, framing=True, **self.options
        )


@pytest.fixture(scope="module")
def measured(
    data_folder: Path, tmp_path_factory: pytest.TempPathFactory, tiny: Any, shared_cache: Path
) -> Countries:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RARESIGN_CACHE", str(shared_cache))
        patch.setenv("HF_HUB_OFFLINE", "1")
        return Countries(data_folder, tmp_path_factory.mktemp("countries"), tiny)


def test_each_folder_has_its_own_folds(measured: Countries) -> None:
    assert list(measured.table.tables) == ["first", "second"]
    assert "2.5" in measured.table.tables["first"].classes
    assert "2.5" not in measured.table.tables["second"].classes
    for name in ("first", "second"):
        assert len(list((measured.out / name).glob("*/fold-*/trial.json"))) == 4
        assert (measured.out / name / "table.json").is_file()
    kept = json.loads((measured.out / "countries.json").read_text())
    assert kept["verdicts"]["base"] == ""
    assert kept["verdicts"][IDEA] == measured.table.verdict(IDEA) != ""
    page = measured.table.markdown()
    assert "nan" not in page
    assert page.count("\n## ") == 2
    assert "first: plays rare" in page


def test_one_folder_alone_goes_on_with_its_trials(
    measured: Countries, monkeypatch: pytest.MonkeyPatch, cli: Callable[..., Any]
) -> None:
    """And together nothing is trained again."""

    def never(job: Any) -> None:
        raise AssertionError(f"{job.title} was trained again")

    monkeypatch.setattr(jobs_module, "_one", never)
    first = measured.folders[0]
    alone = protocol(first, measured.out / "first", measured.recipe, **measured.options)
    both = measured.table.tables["first"]
    assert [row.rare for row in alone.rows] == [row.rare for row in both.rows]
    assert alone.framing == ()
    arguments = ("--out", measured.out, "--recipe", measured.recipe, "--folds", 2, "--seeds", 1)
    rows = ("--ideas", measured.ideas, "--no-reference", "--framing")
    ended = cli("protocol", *measured.folders, *arguments, *rows, "--json")
    assert ended.code == 0, ended.err
    assert list(json.loads(ended.out)["tables"]) == ["first", "second"]


def test_framing_losses_against_loops(measured: Countries) -> None:
    for name, table in measured.table.tables.items():
        assert [(row.title, row.plays_rare) for row in table.framing] == [
            (title, rare) for title in ("base", IDEA) for rare in (True, False)
        ]
        row = table.framing[0]
        before: list[bool] = []
        tighter: list[bool] = []
        for file in (measured.out / name).glob("base-*/*/framing.safetensors"):
            trial, said = (
                load_file(file.with_name("outputs.safetensors")),
                load_framing(file.parent),
            )
            # Unchanged crops are answered as the packed ones are.
            np.testing.assert_array_equal(said[4], trial["logits"].argmax(1))
            for n, label in enumerate(trial["labels"]):
                if trial["plays_rare"][n]:
                    before.append(said[4, n] == label)
                    tighter.append(said[0, n] == label)
        assert row.crops == len(before)
        assert row.recall == pytest.approx(np.mean(before))
        assert row.scales[0] == (0.6, pytest.approx(np.mean(before) - np.mean(tighter)))
        assert row.scales[4] == (1.0, 0.0)
    assert "shifted 15 %" in measured.table.markdown()


def test_answers_stand_with_their_crops(
    data_folder: Path, catalogue: SignCatalogue, new_net: Any, tmp_path: Path
) -> None:
    """In the order of the rows that were asked for, which is not that of the files."""
    broken = Path(shutil.copytree(data_folder / "cropped-train", tmp_path / "crops"))
    next(broken.glob("*/0.png")).write_bytes(b"no picture")
    table = from_folders(broken, catalogue)
    pack = pack_crops(table, 32, tmp_path / "cache")
    assert len(pack) == len(table) - 1
    net, rows = new_net(), np.array([20, 3, 11])
    write_framing(net, table, pack, rows, "whole", tmp_path)
    said = load_framing(tmp_path)
    for place, row in enumerate(rows):
        with Image.open(pack.table["path"][row].as_py()) as file:
            picture = file.convert("RGB")
        for window, scale in ((0, 0.6), (8, 1.4)):
            crop = framed(reframed(picture, scale), 32)
            assert said[window, place] == net_outputs(net, crop[None]).logits.argmax()


def test_an_idea_that_hurts_one_country_is_not_kept() -> None:
    helps, hurts = Change("A", 0.02, 0.01, 0.03), Change("B", -0.001, -0.002, -0.0005)
    slips, little = Change("B", -0.01, -0.03, 0.01), Change("B", -0.004, -0.02, 0.01)
    assert verdict_of([helps, hurts]) == "not kept: helps A; hurts B"
    assert verdict_of([hurts]) == "not kept: hurts B"
    assert verdict_of([helps, slips]).startswith("not kept")
    assert verdict_of([helps, little]) == "kept: helps A"
    assert verdict_of([little]) == "no clear gain"


def test_absent_classes_of_two_folders(measured: Countries, tmp_path: Path) -> None:
    table = protocol_absent_countries(measured.folders, tmp_path, measured.recipe, **QUICK)
    kept = json.loads((tmp_path / "absent-countries.json").read_text())
    assert {name: figures["trials"] for name, figures in kept.items()} == {"first": 2, "second": 2}
    assert len(list((tmp_path / "second").glob("*/*/absent.json"))) == 2
    assert "| first |" in table.markdown()


def test_wrong_folders_are_told_before_anything_runs(measured: Countries, tmp_path: Path) -> None:
    first, second = measured.folders
    shutil.copytree(first / "icons", tmp_path / "empty" / "icons")
    shutil.copy(first / "classes.json", tmp_path / "empty")
    more: dict[str, Any] = {"recipe": measured.recipe, **QUICK}
    for folders, options, words in (
        ([first, first], {}, "of one name: first"),
        ([first, second], {"country": ["RU", "DE", "none"]}, "country stands 3 times for 2"),
        ([first, tmp_path / "empty"], {}, "has no real crops"),
    ):
        with pytest.raises(InputError, match=words):
            protocol_countries(folders, tmp_path / "out", **more, **options)
    assert not (tmp_path / "out").exists()


def test_each_folder_gets_its_own_icons(
    measured: Countries, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: list[tuple[Any, Any]] = []

    def note(*_: Any, icons: Any, country: Any, **__: Any) -> Any:
        given.append((icons, country))
        return measured.table.tables["first"]

    several = importlib.import_module("raresign.lab.protocol.several_folders")
    monkeypatch.setattr(several, "protocol", note)
    options: dict[str, Any] = {"icons": ["own", "own+gost"], "country": "RU"}
    table = protocol_countries(measured.folders, tmp_path, measured.recipe, **QUICK, **options)
    assert given == [("own", "RU"), ("own+gost", "RU")]
    assert isinstance(table, CountriesTable)
