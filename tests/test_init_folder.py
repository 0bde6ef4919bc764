"""`raresign init`: a data folder that train takes, and a true list of what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from raresign.commands.added.add_classes import listed_icons
from raresign.commands.init_folder import init_data
from raresign.errors import InputError
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.icons.icon_file import load_icon


@pytest.fixture
def icons(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for code, colour in (("1.1", "red"), ("1.10", "blue")):
        sign = Image.new("RGBA", (64, 64))
        ImageDraw.Draw(sign).ellipse((4, 4, 60, 60), fill=colour)
        sign.save(folder / f"{code}.png")
    ground = Image.new("RGB", (80, 80), "white")
    ImageDraw.Draw(ground).polygon([(40, 8), (72, 70), (8, 70)], fill="red")
    ground.save(folder / "1.2.jpg", quality=80)
    return folder


def test_from_icons(icons: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "cropped-train" / "1.10").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(data / "cropped-train" / "1.10" / "a.png")
    found = init_data(data, icons)
    assert (found.frequent, found.rare) == (("1.10",), ("1.1", "1.2"))
    assert any("1.1, 1.2" in line for line in found.missing)
    catalogue = SignCatalogue.from_folder(data, country="none")
    assert catalogue.codes == ("1.1", "1.2", "1.10")
    assert [sign.type for sign in catalogue.classes] == ["rare", "rare", "freq"]
    with pytest.raises(InputError, match="there already"):
        init_data(data, icons)


def test_from_coco(tmp_path: Path) -> None:
    coco = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 7, "name": "2.5"}, {"id": 3, "name": "3.1"}],
        "annotations": [{"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]}],
    }
    (tmp_path / "signs.json").write_text(json.dumps(coco))
    found = init_data(tmp_path / "data", coco=tmp_path / "signs.json")
    assert (found.frequent, found.rare) == (("2.5",), ("3.1",))
    assert "2 classes have no icon" in found.missing[0]
    assert "--layout coco" in found.next
    rows = json.loads((tmp_path / "data" / "classes.json").read_text())
    assert rows == {"2.5": {"id": 7, "type": "freq"}, "3.1": {"id": 3, "type": "rare"}}
    (tmp_path / "signs.json").write_text('{"images": []}')
    with pytest.raises(InputError, match="is not a COCO file"):
        init_data(tmp_path / "other", coco=tmp_path / "signs.json")
    with pytest.raises(InputError, match="names no class"):
        init_data(tmp_path / "other")


def test_a_jpeg_icon_loses_its_flat_ground(icons: Path) -> None:
    with pytest.warns(UserWarning, match="flat border"):
        icon = load_icon(icons / "1.2.jpg")
    assert icon[0, 0, 3] == 0
    assert icon[-10, icon.shape[1] // 2, 3] == 255
    Image.radial_gradient("L").resize((64, 64)).save(icons / "1.2.jpg")
    with pytest.raises(InputError, match="no alpha and its border"):
        load_icon(icons / "1.2.jpg")


def test_a_folder_of_icons_is_taken(icons: Path, tmp_path: Path) -> None:
    """Plain, and as `catalogue gost --export` writes it."""
    names = ["1.1.png", "1.10.png", "1.2.jpg"]
    assert [path.name for path in listed_icons([icons])] == names
    icons.rename(tmp_path / "icons")
    assert [path.name for path in listed_icons([tmp_path])] == names
