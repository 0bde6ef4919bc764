"""The commands on a few real crops of each class of both countries, with short trainings.

Camera fitting, which takes longest, runs on the smaller country; the protocol of several countries
is in test_protocol_countries.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml

import raresign

COUNTRIES = ["rtsd-r1", "gtsrb"]
EXPECTED = {
    "rtsd-r1": ("country: RU, recognised from its icons", "Speed limit 60 km/h", "3.24.n60"),
    "gtsrb": ("country: none", "03", "03"),
}
SAID = {"rtsd-r1": ("none", "3.24.n60"), "gtsrb": ("DE", "Speed limit 60 km/h")}


def part_of(source: Path, data: Path) -> Path:
    """A data folder of links to a few files: 6 training crops a class, every 48th test crop."""
    data.mkdir()
    for name in ("classes.json", "icons", "smalltest"):
        (data / name).symlink_to(source / name)
    rows = (source / "smalltest_annotations.csv").read_text(encoding="utf-8").splitlines()
    few = "\n".join([rows[0], *rows[1::48], ""])
    (data / "smalltest").unlink()
    (data / "smalltest").mkdir()
    for row in rows[1::48]:
        file = row.partition(",")[0]
        (data / "smalltest" / file).symlink_to(source / "smalltest" / file)
    (data / "smalltest_annotations.csv").write_text(few, encoding="utf-8")
    for folder in (source / "cropped-train").iterdir():
        (data / "cropped-train" / folder.name).mkdir(parents=True)
        for file in islice(sorted(folder.iterdir()), 6):
            (data / "cropped-train" / folder.name / file.name).symlink_to(file)
    return data


@pytest.fixture(scope="module", params=COUNTRIES)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """Name and folder of a country's data."""
    root = os.environ.get("RARESIGN_DATA")
    if not root:
        pytest.skip("RARESIGN_DATA is not set: it names the folder with rtsd-r1 and gtsrb")
    name = str(request.param)
    return name, part_of(Path(root) / name, tmp_path_factory.mktemp(name) / "data")


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_command(
    place: tuple[str, Path],
    cli: Callable[..., Any],
    tiny: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, data = place
    few: dict[str, Any] = {"size": 32, "most": 300, "pixels": False}
    monkeypatch.setattr(
        raresign, "compare_realism", partial(raresign.compare_realism, **few), raising=False
    )
    line, title, code = EXPECTED[name]
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny()), encoding="utf-8")
    recipe = ("--recipe", tmp_path / "tiny.yaml")
    run, other = tmp_path / "run", tmp_path / "other"

    def ok(*arguments: object) -> str:
        ended = cli(*arguments)
        assert ended.code == 0, (arguments, ended.err)
        return f"{ended.out}\n{ended.err}"

    rows = {row["code"]: row for row in json.loads(cli("catalogue", data, "--json").out)}
    assert rows[code]["name"] == title
    said, renamed = SAID[name]
    rows = {
        r["code"]: r for r in json.loads(cli("catalogue", data, "--country", said, "--json").out)
    }
    assert rows[code]["name"] == renamed

    assert line in ok("train", data, "--out", run, *recipe)
    shutil.copytree(run, other)
    assert "rare" in ok("evaluate", run, data)
    assert ok("compare", run, other)
    crops = sorted((data / "smalltest").iterdir())
    told = [json.loads(row) for row in ok("predict", run, *crops[:3], "--json").splitlines() if row]
    assert [Path(row["path"]) for row in told] == crops[:3]
    assert all(row["level"] in ("class", "family", "sign", "none") for row in told)

    icon = tmp_path / "new.svg"
    icon.write_text(raresign.standard("gost").svg("7.4"), encoding="utf-8")
    assert "new.sign" in ok("add-class", run, icon, "--code", "new.sign")
    assert "3 real crops" in ok("add-photos", run, "new.sign", *crops[:3])
    ok("remove-class", run, "new.sign")

    ok("synth", data, "--out", tmp_path / "synth", "--per-class", "1", "--size", "32")
    ok("synth", "--verify", tmp_path / "synth")
    assert "told from real" in ok("realism", data)
    if name == "rtsd-r1":
        return
    camera = tmp_path / "camera.yaml"
    raresign.fit_camera(data, out=camera, rounds=1, simulations=200, size=32, most=300)
    fitted = ("--preset", camera, "--icons", "own", "--seed", "1")
    ok("train", data, "--out", tmp_path / "fitted", *recipe, *fitted)
