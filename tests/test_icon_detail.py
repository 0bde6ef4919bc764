"""Icons too small or too soft to tell two classes apart: found on poor copies, not on good ones."""

from __future__ import annotations

import io
import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import raresign
from raresign.signs.catalogue.icon_detail import (
    ENOUGH_SIDE,
    SOFT,
    SOFT_SIDE,
    UnclearPair,
    sharpness,
    shown_side,
    unclear_pairs,
)
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.countries.drawn_folder import drawn_icons
from raresign.signs.countries.drawn_sign import render_sign
from raresign.signs.countries.registry import standard
from raresign.signs.icons.icon_file import load_icon, on_grey

Pixels = NDArray[np.uint8]
REAL = os.environ.get("RARESIGN_DATA")
CODES = ("3.24.n20", "3.24.n30", "3.24.n60", "3.24.n80", "2.3.1", "2.3.2", "3.2", "4.1.1")


def poor(icon: Pixels, side: int, quality: int | None = 50) -> Pixels:
    """A cut-out of a chart: small, on white, through JPEG; the outline is still known."""
    height, width = icon.shape[:2]
    scale = side / min(height, width)
    size = (round(width * scale), round(height * scale))
    small = np.asarray(Image.fromarray(icon).resize(size, Image.Resampling.LANCZOS))
    if quality is None:
        return small
    file, white = io.BytesIO(), on_grey(small.astype(np.float32), 255).round()
    Image.fromarray(white.astype(np.uint8)).save(file, "JPEG", quality=quality)
    mask = np.where(small[..., 3:] >= 128, 255, 0).astype(np.uint8)
    return np.concatenate([np.asarray(Image.open(file).convert("RGB")), mask], axis=2)


def enlarged(icon: Pixels, side: int = 256) -> Pixels:
    size = (
        side * icon.shape[1] // min(icon.shape[:2]),
        side * icon.shape[0] // min(icon.shape[:2]),
    )
    return np.asarray(Image.fromarray(icon).resize(size, Image.Resampling.BICUBIC))


def classes(folder: Path, icons: dict[str, Pixels]) -> list[SignClass]:
    folder.mkdir(exist_ok=True)
    for code, icon in icons.items():
        Image.fromarray(icon).save(folder / f"{code}.png")
    return [
        SignClass(code, k, "rare", (folder / f"{code}.png",), "red ring", None)
        for k, code in enumerate(icons)
    ]


def named(pairs: list[UnclearPair]) -> set[frozenset[str]]:
    return {frozenset((pair.one.code, pair.other.code)) for pair in pairs}


def copies(folder: Path, side: int, codes: tuple[str, ...] = CODES) -> list[SignClass]:
    return classes(folder, {code: poor(render_sign(code, 256), side) for code in codes})


@pytest.mark.parametrize("side", [64, 100])
def test_icons_that_are_large_enough_are_let_pass(tmp_path: Path, side: int) -> None:
    assert unclear_pairs(copies(tmp_path, side)) == []


def test_the_smaller_the_more_pairs_and_none_lost(tmp_path: Path) -> None:
    found = [named(unclear_pairs(copies(tmp_path, side))) for side in (16, 24, 32, 48)]
    assert all(smaller >= larger for smaller, larger in pairwise(found))
    assert frozenset({"3.24.n60", "3.24.n80"}) in found[1]
    assert frozenset({"2.3.1", "2.3.2"}) in found[2]
    assert not found[3]
    assert not any({"3.2", "4.1.1"} & pair for pair in found[2])  # nothing is like these


def test_one_poor_icon_spoils_its_pairs_alone(tmp_path: Path) -> None:
    icons = {code: render_sign(code, 256) for code in CODES}
    icons["3.24.n60"] = poor(icons["3.24.n60"], 20)
    found = unclear_pairs(classes(tmp_path, icons))
    assert frozenset({"3.24.n60", "3.24.n80"}) in named(found)
    assert {pair.one.code for pair in found} == {"3.24.n60"}
    assert {pair.side for pair in found} == {20}
    assert not any(pair.is_soft for pair in found)


def test_enlarging_a_small_icon_hides_nothing(tmp_path: Path) -> None:
    soft = {code: enlarged(poor(render_sign(code, 256), 24)) for code in CODES}
    found = unclear_pairs(classes(tmp_path, soft))
    assert frozenset({"2.3.1", "2.3.2"}) in named(found)
    assert all(pair.is_soft and pair.side == SOFT_SIDE for pair in found)
    assert "is soft: it shows no more than 32 px" in str(found[0])


def test_an_svg_is_never_too_small_but_a_small_icon_beside_it_is(tmp_path: Path) -> None:
    signs = copies(tmp_path, 20)
    drawn = drawn_icons("gost", ["3.24.n80"], variants=False) / "3.24.n80.svg"
    signs[3] = SignClass("3.24.n80", 3, "rare", (drawn,), "red ring", None, "Speed limit 80 km/h")
    pairs = [
        pair for pair in unclear_pairs(signs) if "3.24.n80" in (pair.one.code, pair.other.code)
    ]
    assert pairs
    assert all(pair.other.code == "3.24.n80" for pair in pairs)
    assert "3.24.n80 (Speed limit 80 km/h)" in str(pairs[0])


def test_the_same_picture_twice_differs_by_nothing(tmp_path: Path) -> None:
    icon = poor(render_sign("3.2", 256), 40)
    (pair,) = unclear_pairs(classes(tmp_path, {"a": icon, "b": icon}))
    assert pair.pixels == pytest.approx(0, abs=1e-2)
    assert pair.side == 40


def test_blank_icons_are_not_soft() -> None:
    blank = np.zeros((96, 96, 4), np.uint8)
    blank[8:-8, 8:-8] = (255, 0, 0, 255)
    assert shown_side(blank) == ENOUGH_SIDE


def test_no_drawing_is_soft() -> None:
    soft = [
        code for code in standard("gost").codes[::3] if sharpness(render_sign(code, 128)) < SOFT
    ]
    assert soft == []


@pytest.mark.skipif(REAL is None, reason="RARESIGN_DATA names no data")
@pytest.mark.parametrize(
    ("name", "at_32", "at_24", "at_16"), [("rtsd-r1", 3, 10, 40), ("gtsrb", 0, 1, 40)]
)
def test_real_icons_pass_and_poor_copies_do_not(
    tmp_path: Path, name: str, at_32: int, at_24: int, at_16: int
) -> None:
    files = sorted((Path(REAL or "") / name / "icons").glob("*.png"))
    icons = {path.stem: load_icon(path) for path in files}
    assert unclear_pairs(classes(tmp_path / "good", icons)) == []
    for side, least in ((48, 0), (32, at_32), (24, at_24), (16, at_16)):
        small = {code: poor(icon, side) for code, icon in icons.items()}
        found = unclear_pairs(classes(tmp_path / str(side), small))
        assert len(found) >= least
        assert side < 48 or not found


def test_catalogue_tells_the_pairs_and_what_helps(data_folder: Path, own_data: Path) -> None:
    said: list[str] = []
    raresign.catalogue_rows(data_folder, say=said.append)
    assert not any("icon" in line and line.startswith("warning") for line in said)
    for path in (own_data / "icons").iterdir():
        Image.fromarray(poor(render_sign(path.stem, 256), 16)).save(path.with_suffix(".png"))
        path.unlink()
    raresign.catalogue_rows(own_data, say=said.append)
    told = [line for line in said if "3.24.n40" in line and "3.24.n60" in line]
    assert len(told) == 1
    assert "has 16 px" in told[0]
    assert said[-1].endswith("or SVG")


def test_two_hundred_classes_take_two_seconds(tmp_path: Path) -> None:
    one = poor(render_sign("3.24.n60", 256), 40, None)
    signs = classes(tmp_path, {f"c{k}": np.roll(one, k, axis=1) for k in range(205)})
    started = time.process_time()
    unclear_pairs(signs)
    assert time.process_time() - started < 2
