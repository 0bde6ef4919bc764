"""`raresign catalogue gost` and `--icons gost`: what a user types, and what comes of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

import raresign
from raresign.signs.countries.drawn_sign import render_sign
from raresign.signs.countries.registry import standard

Cli = Callable[..., Any]
GOST = standard("gost")


def test_the_table_lists_every_class_in_two_languages(cli: Cli) -> None:
    ended = cli("catalogue", "gost", "--json")
    rows = json.loads(ended.out)
    assert ended.code == 0
    assert {row["code"] for row in rows} == set(GOST.codes)
    by_code = {row["code"]: row for row in rows}
    assert by_code["1.11.1"] == {
        "code": "1.11.1",
        "id": 2,
        "name": "Bend to the right",
        "russian": "Опасный поворот направо",
        "type": "freq",
        "family": "red triangle",
        "twin": "1.11.2",
        "values": False,
        "variants": ["yellow-board", "green-board"],
    }
    assert by_code["3.24.n60"]["values"]
    table = cli("catalogue", "gost").out
    assert "Главная дорога" in table
    assert "Main road" in table


def test_any_value_on_demand(cli: Cli, tmp_path: Path) -> None:
    rows = json.loads(cli("catalogue", "gost", "3.24.n5.5", "3.13.r2.9", "--json").out)
    assert [row["name"] for row in rows] == ["Height limit 2.9 m", "Speed limit 5.5 km/h"]
    assert [row["id"] for row in rows] == [None, None]
    ended = cli("catalogue", "gost", "3.13.r45", "3.13.r2.9")
    assert ended.code == 0
    assert ended.err.count("warning") == 1
    assert "did you mean 3.13.r4.5?" in " ".join(ended.err.split())
    assert cli("catalogue", "gost", "3.24.n55", "--export", tmp_path / "own").code == 0
    assert (tmp_path / "own" / "icons" / "3.24.n55.svg").is_file()
    assert not (tmp_path / "own" / "classes.json").exists()


def test_the_export_is_a_data_folder(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "signs"
    assert cli("catalogue", "gost", "--export", out).code == 0
    classes = json.loads((out / "classes.json").read_text())
    assert (classes.pop("country"), len(classes)) == ("RU", 205)
    (out / "icons" / "2.5.svg").unlink()
    again = cli("catalogue", "gost", "--export", out)
    assert (again.code, again.out.split()[0]) == (0, "1")  # what is missing


def test_an_export_overwrites_nothing(cli: Cli, own_data: Path) -> None:
    mine = own_data / "icons" / "2.5.svg"
    mine.write_text("<svg>mine</svg>")
    classes = (own_data / "classes.json").read_text()
    ended = cli("catalogue", "gost", "--export", own_data)
    assert ended.code == 2
    assert "is another icon of" in ended.err
    assert mine.read_text() == "<svg>mine</svg>"
    shutil.rmtree(own_data / "icons")
    assert cli("catalogue", "gost", "--export", own_data).code == 0  # the classes of the folder
    assert (own_data / "classes.json").read_text() == classes
    drawn = {path.stem.partition("@")[0] for path in (own_data / "icons").iterdir()}
    assert drawn == set(json.loads(classes))
    assert cli("catalogue", own_data).code == 0


def test_sheets_are_pictures(cli: Cli, tmp_path: Path) -> None:
    icons = tmp_path / "icons"
    icons.mkdir()
    for code in ("1.1", "2.5", "3.24.n40"):
        Image.fromarray(render_sign(code, 150)).save(icons / f"{code}.png")
    shutil.copy(icons / "1.1.png", icons / "horse.png")
    out = tmp_path / "sheets"
    ended = cli("catalogue", "gost", "1.1", "2.5", "--sheet", out, "--compare", icons)
    assert ended.code == 0
    assert {path.name for path in out.iterdir()} == {"signs.png", "variants.png", "pairs-1.png"}
    assert all(Image.open(path).width > 200 for path in out.iterdir())
    assert "2 pairs" in ended.out
    assert "no drawing: horse" in cli("catalogue", "gost", "--compare", icons).out
    likeness = raresign.compare_signs(icons)
    assert min(likeness.similarity.values()) > 0.99  # icons are our own drawings
    assert likeness.without == ("horse",)
    assert len(likeness.closest) == 10


def test_an_icon_with_a_frame_and_a_caption_is_aligned(tmp_path: Path) -> None:
    sign = Image.fromarray(render_sign("3.24.n40", 200))
    framed = Image.new("RGBA", (220, 260), (0, 0, 0, 0))
    draw = ImageDraw.Draw(framed)
    draw.ellipse((0, 0, 219, 219), fill=(60, 60, 60, 255))
    draw.ellipse((3, 3, 216, 216), fill=(255, 255, 255, 255))
    draw.rectangle((60, 235, 160, 259), fill=(120, 120, 120, 255))
    framed.alpha_composite(sign, (10, 10))
    framed.save(tmp_path / "3.24.n40.png")
    assert raresign.compare_signs(tmp_path).similarity["3.24.n40"] > 0.75


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["gost", "3.99"], "3.99"),
        (["gost", "1.1.n5"], "shows no value"),
        (["gost", "--compare", "absent"], "absent"),
        (["gost", "3.24.n123456789012345678"], "does not fit"),
    ],
)
def test_wrong_requests_are_told(cli: Cli, arguments: list[str], named: str) -> None:
    ended = cli("catalogue", *arguments)
    assert ended.code == 2
    assert named in ended.err
    assert "Traceback" not in ended.err


def test_options_of_drawn_signs_are_refused_for_a_folder(cli: Cli, data_folder: Path) -> None:
    for option in (["1.1"], ["--export", "x"], ["--sheet", "x"], ["--compare", "x"]):
        ended = cli("catalogue", data_folder, *option)
        assert ended.code == 2
        assert "raresign catalogue gost" in ended.err


def test_an_icon_folder_without_known_signs(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "horse.svg").write_text("<svg/>")
    ended = cli("catalogue", "gost", "--compare", tmp_path)
    assert ended.code == 2
    assert "no icon of Russian signs" in ended.err


def test_a_folder_of_that_name_wins(
    cli: Cli, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(data_folder, tmp_path / "gost")
    monkeypatch.chdir(tmp_path)
    assert len(json.loads(cli("catalogue", "gost", "--json").out)) == 6


def test_drawings_take_the_place_of_icons(own_data: Path, cli: Cli) -> None:
    shutil.rmtree(own_data / "icons")
    refused = cli("catalogue", own_data)
    assert refused.code == 2
    assert "raresign catalogue gost --export" in refused.err
    rows = {
        row["code"]: row
        for row in json.loads(cli("catalogue", own_data, "--icons", "gost", "--json").out)
    }
    assert rows["2.5"]["icons"] == 1
    assert rows["3.24.n40"]["icons"] == 1 + len(GOST.variants_of("3.24.n40"))
    opened = raresign.open_data(own_data, icons="gost")
    assert len(opened.training) == 4 * 8


def test_an_unknown_class_is_told_before_anything_is_drawn(own_data: Path, cli: Cli) -> None:
    classes = json.loads((own_data / "classes.json").read_text())
    classes["horse"] = {"id": 99, "type": "rare"}
    (own_data / "classes.json").write_text(json.dumps(classes))
    ended = cli("catalogue", own_data, "--icons", "gost")
    assert ended.code == 2
    assert "'horse'" in ended.err


def test_a_run_remembers_that_its_icons_were_drawn(
    own_data: Path, tmp_path: Path, tiny: Callable[..., dict[str, Any]]
) -> None:
    shutil.rmtree(own_data / "icons")
    run = raresign.train(own_data, tmp_path / "run", tiny(), icons="gost", report=False)
    info = raresign.RunFolder.open(run).info
    assert info["settings"]["icons"] == "gost"
    saved = raresign.SignCatalogue.load(run / "catalogue")
    assert len(saved[saved.label_of("3.24.n40")].icons) > 1
    assert raresign.train(own_data, run, resume=True, report=False) == run  # finds its icons
    assert raresign.evaluate(run, own_data).crops > 0


def test_crops_of_drawn_signs_can_be_verified(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "crops"
    assert cli("synth", "gost", "--out", out, "--per-class", "1", "--size", "16").code == 0
    assert json.loads((out / "settings.json").read_text())["data"] == "gost"
    assert len(list(out.glob("*/*.png"))) == 205
    ended = cli("synth", "--verify", out, "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["same"] == 205
