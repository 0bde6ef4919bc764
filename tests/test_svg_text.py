"""Text in SVG icons: refused, or drawn in the free font where the user asks for it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from raresign.commands.data_folder import open_data
from raresign.errors import InputError
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.drawn_folder import lettered_files, lettered_folder
from raresign.signs.icons.icon_file import load_icon

PLATE = '<rect width="100" height="100" fill="#00f"/>'
LETTERS = (
    '<text x="50" y="70" text-anchor="middle" font-family="Arial" font-size="60" fill="#fff" '
    'font-weight="bold">{}<tspan fill="#f00">{}</tspan></text>'
)


def icon(path: Path, text: str = "5", red: str = "м") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
    path.write_text(head + PLATE + LETTERS.format(text, red) + "</svg>", encoding="utf-8")
    return path


def shares(pixels: np.ndarray) -> tuple[float, float]:
    """How much of a picture is white and red."""
    red, green, blue = (pixels[..., channel] > 128 for channel in range(3))
    return float((red & green & blue).mean()), float((red & ~green & ~blue).mean())


def test_text_is_refused_unless_it_is_to_be_drawn(tmp_path: Path) -> None:
    file = icon(tmp_path / "1.1.svg")
    with pytest.raises(InputError, match=r"needs a font .*--svg-text draws it in a free font"):
        load_icon(file, 64)
    with pytest.warns(UserWarning, match=r"the text of .*1\.1\.svg is drawn in Source Sans"):
        (copy,) = lettered_files([file])
    white, red = shares(load_icon(copy, 64))
    assert 0.03 < white < 0.2
    assert 0.03 < red < 0.2
    assert "<text" in file.read_text()
    assert lettered_files([copy]) == [copy]


def test_other_icons_stay_as_they_are(tmp_path: Path, data_folder: Path) -> None:
    assert lettered_folder(data_folder / "icons") == data_folder / "icons"
    blank, broken = icon(tmp_path / "1.svg", " ", ""), tmp_path / "2.svg"
    broken.write_text("<svg")
    assert lettered_files([blank, broken, tmp_path / "3.png"]) == [
        blank,
        broken,
        tmp_path / "3.png",
    ]
    with pytest.raises(InputError, match=r"1\.svg: the font that its text is drawn in lacks '停'"):
        lettered_files([icon(tmp_path / "1.svg", "停")])


def test_a_catalogue_takes_its_drawn_text_along(tmp_path: Path, own_data: Path) -> None:
    code = next(iter(json.loads((own_data / "classes.json").read_text())))
    for file in (own_data / "icons").glob(f"{code}*"):
        file.unlink()
    icon(own_data / "icons" / f"{code}.svg")
    with pytest.raises(InputError, match="needs a font"):
        open_data(own_data, real=False)
    with pytest.warns(UserWarning, match="is drawn in Source Sans"):
        source = open_data(own_data, real=False, svg_text=True)
    source.catalogue.save(tmp_path / "copy")
    before = {sign.code: load_icon(sign.icons[0], 48) for sign in source.catalogue.classes}
    assert min(shares(before[code])) > 0.03
    shutil.rmtree(own_data)
    for sign in SignCatalogue.load(tmp_path / "copy").classes:
        np.testing.assert_array_equal(load_icon(sign.icons[0], 48), before[sign.code])


def test_the_protocol_draws_text(cli: Callable[..., Any], own_data: Path, tmp_path: Path) -> None:
    code = next(iter(json.loads((own_data / "classes.json").read_text())))
    for file in (own_data / "icons").glob(f"{code}*"):
        file.unlink()
    icon(own_data / "icons" / f"{code}.svg")
    for folders in ([own_data], [own_data, tmp_path]):
        # So many folds are refused as soon as the icons were read.
        options = (*folders, "--out", tmp_path / "out", "--folds", 99)
        plain, drawn = cli("protocol", *options), cli("protocol", *options, "--svg-text")
        assert plain.code == drawn.code == 2
        assert "needs a font" in plain.err
        assert "99 folds" in drawn.err
