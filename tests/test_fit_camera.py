"""`fit-camera` and `realism`: crops of a camera that is known are fitted back to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import Ended
from raresign import (
    BackgroundAtlas,
    IconAtlas,
    build_synthesiser,
    compare_realism,
    fit_camera,
    load_preset,
    open_data,
)
from raresign.commands.synth.engine import as_bytes
from raresign.errors import InputError
from tiny_data import write_data

SIZE = 32
# The real crops here are synthetic ones, framed as the synthesis frames them.
WHOLE: dict[str, Any] = {"size": SIZE, "framing": "whole"}
FEW: dict[str, Any] = {**WHOLE, "rounds": 4, "simulations": 400, "most": 320}
FEWER: dict[str, Any] = {**WHOLE, "rounds": 1, "simulations": 200, "most": 120}
# A camera at dusk that sees 14 to 18 pixels of each sign.
DUSK = {
    "name": "dusk",
    "exposure": {"gain": [0.2, 0.3]},
    "sensor": {"pixels": [14, 18], "blur": [0.5, 0.7]},
}


@pytest.fixture(scope="module")
def dusk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose real crops are those of the dusk camera, other signs for each half."""
    root = write_data(tmp_path_factory.mktemp("dusk") / "signs")
    shutil.rmtree(root / "cropped-train")
    source = open_data(root, layout="icons")
    icons = IconAtlas.from_catalogue(source.catalogue, SIZE)
    backgrounds = BackgroundAtlas.from_pictures(source.backgrounds(), SIZE)
    engine = build_synthesiser(load_preset(DUSK), icons, backgrounds, seed=77)
    kinds = json.loads((root / "classes.json").read_text())
    codes = [code for code in source.catalogue.codes if kinds[code]["type"] == "freq"]
    numbers = torch.arange(96 * len(codes))
    labels = torch.tensor([source.catalogue.label_of(code) for code in codes])
    crops = engine.render(labels[numbers % len(codes)], numbers).crops
    for number, crop in enumerate(as_bytes(crops)):
        path = root / "cropped-train" / codes[number % len(codes)] / f"{number:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(path)
    return root


@pytest.fixture(scope="module")
def fitted(dusk: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    heard: list[str] = []
    out = tmp_path_factory.mktemp("fit") / "mine.yaml"
    cache = tmp_path_factory.mktemp("cache")
    return fit_camera(dusk, out=out, cache=cache, say=heard.append, **FEW), heard


def test_the_camera_is_found_again(fitted: Any) -> None:
    fit, _ = fitted
    before, after = load_preset("road"), load_preset(fit.path)
    assert after == fit.preset
    middle = {p.name: float(np.quantile(p.exposure.gain, 0.5)) for p in (before, after)}
    assert middle["mine"] < 0.75 * middle["road"]  # on the way to a quarter
    assert np.quantile(after.sensor.pixels, 0.9) < np.quantile(before.sensor.pixels, 0.9)


def test_what_is_made_looks_more_real_on_signs_that_were_not_fitted(fitted: Any) -> None:
    fit, _ = fitted
    assert fit.held_out
    assert fit.labelled
    assert fit.crops > 100
    assert fit.after.features.accuracy < fit.before.features.accuracy
    assert fit.after.distance.frechet < fit.before.distance.frechet
    assert fit.after.distance.kernel < fit.before.distance.kernel
    assert fit.floor is not None
    assert fit.floor.distance.kernel < fit.after.distance.kernel


def test_the_file_says_what_was_measured_and_what_moved(fitted: Any) -> None:
    fit, heard = fitted
    text = fit.path.read_text(encoding="utf-8")
    assert text.startswith(f"# Fitted to {fit.crops} labelled real crops")
    moved = set(fit.moved)
    assert "exposure.gain" in moved
    assert all(f"#   {name}\n" in text for name in moved)
    before, after = (load_preset(p).model_dump() for p in ("road", fit.path))
    for name in before.keys() - {"name", "engine"}:
        for field, value in before[name].items():
            key = name if field == "probability" else f"{name}.{field}"
            assert (after[name][field] == value) or key in moved, key
    assert any(line.startswith("round 1 of at most 4: energy distance") for line in heard)


def test_the_same_seed_gives_the_same_file(fitted: Any, dusk: Path, tmp_path: Path) -> None:
    again = fit_camera(dusk, out=tmp_path / "mine.yaml", **FEW)
    assert again.path.read_text() == fitted[0].path.read_text()


def test_unlabelled_crops_do_too(dusk: Path, tmp_path: Path) -> None:
    """A mere folder of pictures, whose classes nobody told."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, path in enumerate(sorted((dusk / "cropped-train").glob("*/*.png"))):
        (folder / f"{number:04d}.png").write_bytes(path.read_bytes())
    fit = fit_camera(dusk, folder, tmp_path / "mine.yaml", **{**FEW, "rounds": 2, "most": 200})
    assert not fit.labelled
    assert fit.after.distance.frechet < fit.before.distance.frechet


# --- realism -----------------------------------------------------------------------------------


def test_presets_stand_side_by_side(dusk: Path, fitted: Any, tmp_path: Path) -> None:
    fit, _ = fitted
    table = compare_realism(dusk, ("reference", "road", fit.path), **WHOLE, most=320, pixels=False)
    assert [row.name for row in table.rows] == [
        "reference",
        "road",
        str(fit.path),
        "real against real",
    ]
    frechet = [row.distance.frechet for row in table.rows]
    assert frechet[2] < frechet[1]
    assert frechet[3] < frechet[2]
    assert len(table.gaps) == 3
    assert table.labelled
    with pytest.raises(InputError, match="no preset"):
        compare_realism(dusk, ())


def test_the_commands_print_their_tables(
    cli: Callable[..., Ended], dusk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import raresign

    short = fit_camera
    monkeypatch.setattr(raresign, "fit_camera", lambda *a, **k: short(*a, **{**k, **FEWER}))
    ended = cli("fit-camera", dusk, "--out", tmp_path / "mine.yaml")
    assert ended.code == 0
    assert "told from real" in ended.out
    assert "differs most" in ended.out
    assert (tmp_path / "mine.yaml").is_file()
    real = compare_realism
    monkeypatch.setattr(
        raresign, "compare_realism", lambda *a, **k: real(*a, **{**k, "size": SIZE, "most": 120})
    )
    ended = cli("realism", dusk, "--preset", "road", "--preset", tmp_path / "mine.yaml")
    assert ended.code == 0
    assert "by pixels" in ended.out
    assert "mine.yaml" in ended.out


# --- rubbish -----------------------------------------------------------------------------------


def test_rubbish_is_answered(cli: Callable[..., Ended], dusk: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    ended = cli("fit-camera", dusk, "--crops", empty)
    assert ended.code == 2
    assert str(empty) in ended.err
    ended = cli("fit-camera", dusk, "--crops", tmp_path / "nowhere")
    assert ended.code == 2
    assert "there is no such folder" in ended.err
    ended = cli("fit-camera", dusk, "--preset", "reference", "--out", tmp_path / "x.yaml")
    assert ended.code == 2
    assert "has no ranges to fit" in ended.err
    assert not (tmp_path / "x.yaml").exists()
    for number in range(30):
        Image.fromarray(np.full((20, 20, 3), number, np.uint8)).save(empty / f"{number}.png")
    ended = cli("realism", dusk, "--crops", empty)
    assert ended.code == 2
    assert "30 crops" in ended.err
    assert "at least 50" in ended.err


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"simulations": 10}, {"keep": 1.0}])
def test_settings_that_cannot_be_are_told(dusk: Path, tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(InputError, match="use at least 1 round"):
        fit_camera(dusk, out=tmp_path / "x.yaml", **{**FEW, **wrong})


def test_nothing_draws_from_the_global_generator(dusk: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    compare_realism(dusk, ("road",), size=SIZE, most=120, pixels=True)
    assert torch.equal(before, torch.random.get_rng_state())
