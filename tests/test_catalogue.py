"""The catalogue reads what is right, refuses what is wrong in clear words, and survives a copy."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from raresign.errors import InputError
from raresign.signs.catalogue.folder_classes import is_own_mirror
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.icons.icon_file import load_icon
from raresign.signs.icons.png_icon import IconWarning

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20">'
    '<circle cx="10" cy="10" r="9" fill="#fff" stroke="#d00" stroke-width="2"/></svg>'
)


def draw_icon(path: Path, colour: str = "red") -> None:
    picture = Image.new("RGBA", (48, 48), (0, 0, 0, 0))
    ImageDraw.Draw(picture).polygon([(24, 2), (46, 45), (2, 45)], fill=colour)
    picture.save(path)


def data_folder(root: Path, classes: dict[str, Any], icons: list[str] | None = None) -> Path:
    (root / "icons").mkdir(parents=True, exist_ok=True)
    (root / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    for name in [f"{code}.png" for code in classes] if icons is None else icons:
        draw_icon(root / "icons" / name)
    return root


def cls(number: int, type_: str = "freq") -> dict[str, Any]:
    return {"id": number, "type": type_}


# --- reading --------------------------------------------------------------------------------------


def test_labels_follow_the_id_not_the_order_of_the_file(tmp_path: Path) -> None:
    classes = {"3.1": cls(40), "1.1": cls(7, "rare"), "1.10": cls(0), "stop": cls(12, "rare")}
    catalogue = SignCatalogue.from_folder(data_folder(tmp_path, classes), country="RU")
    assert catalogue.codes == ("1.10", "1.1", "stop", "3.1")
    assert [sign.id for sign in catalogue.classes] == [0, 7, 12, 40]
    assert [catalogue.label_of(code) for code in (*catalogue.codes, "1", "")] == [
        0,
        1,
        2,
        3,
        -1,
        -1,
    ]
    assert catalogue.labels_of_type("freq") == [0, 3]
    assert catalogue.labels_of_type("rare") == [1, 2]
    assert len(catalogue) == 4
    assert catalogue[2].code == "stop"
    assert [sign.family for sign in catalogue.classes] == [
        "red triangle",
        "red triangle",
        "red triangle",  # computed from the icon
        "red disc",  # by its code, whatever the icon
    ]
    assert repr(catalogue) == "SignCatalogue(4 classes: 2 freq, 2 rare)"


def test_the_unknown_label_is_no_index(tmp_path: Path) -> None:
    catalogue = SignCatalogue.from_folder(data_folder(tmp_path, {"1.1": cls(0), "1.2": cls(1)}))
    for label in (-1, 2):
        with pytest.raises(IndexError, match=str(label)):
            catalogue[label]
    assert [sign.code for sign in catalogue] == ["1.1", "1.2"]


def test_icons_are_matched_by_exact_name(tmp_path: Path) -> None:
    """The reference's fault 1: class 1.1 also drew 1.10, 1.11.1, ..."""
    names = ["1.1.png", "1.10.png", "1.11.1.png", "1.1@old.png", "1.1-copy.png", "11.1.png"]
    classes = {code: cls(i) for i, code in enumerate(("1.1", "1.10", "1.11.1"))}
    root = data_folder(tmp_path, classes, names)
    (root / "icons" / "1.10@b.svg").write_text(SVG)
    catalogue = SignCatalogue.from_folder(root)
    assert [[icon.name for icon in sign.icons] for sign in catalogue.classes] == [
        ["1.1.png", "1.1@old.png"],
        ["1.10.png", "1.10@b.svg"],
        ["1.11.1.png"],
    ]


def test_twins_need_each_other(tmp_path: Path) -> None:
    classes = {
        code: cls(i) for i, code in enumerate(("1.11.1", "1.11.2", "1.12.1", "1.13", "1.14"))
    }
    catalogue = SignCatalogue.from_folder(data_folder(tmp_path, classes), country="RU")
    assert [sign.twin for sign in catalogue.classes] == ["1.11.2", "1.11.1", None, None, None]
    assert is_own_mirror(catalogue[0])


def test_from_icons(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "left.png"):
        draw_icon(tmp_path / name)
    catalogue = SignCatalogue.from_icons(tmp_path, {"b": "freq", "a": "rare"})
    assert catalogue.codes == ("b", "a")
    with pytest.raises(InputError, match=r"1 of 2 classes have no icon: c"):
        SignCatalogue.from_icons(tmp_path, {"b": "freq", "c": "rare"})
    with pytest.raises(InputError, match="class 'b' has the type \"common\""):
        SignCatalogue.from_icons(tmp_path, {"b": "common"})  # type: ignore[dict-item]


def test_byte_order_mark_and_further_keys_are_fine(tmp_path: Path) -> None:
    root = data_folder(tmp_path, {"знак": {"id": 3, "type": "freq", "name": "x"}})
    text = (root / "classes.json").read_text(encoding="utf-8")
    (root / "classes.json").write_text("\ufeff" + text, encoding="utf-8")
    assert SignCatalogue.from_folder(str(root)).codes == ("знак",)


# --- wrong classes.json ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"1.1": {"id": 0,\n  "type": freq}}', r"invalid JSON at line 2, column 11"),
        ("", r"invalid JSON at line 1, column 1"),
        ("[1, 2]", r"holds \[1, 2\], not an object"),
        ("{}", "there is no class"),
        ('{"1.1": 5}', r"class '1\.1' is 5, not an object"),
        ('{"1.1": {"type": "freq"}}', r"class '1\.1' has the id null"),
        ('{"1.1": {"id": "0", "type": "freq"}}', r"class '1\.1' has the id \"0\""),
        ('{"1.1": {"id": true, "type": "freq"}}', r"class '1\.1' has the id true"),
        ('{"1.1": {"id": -1, "type": "freq"}}', r"class '1\.1' has the id -1"),
        ('{"1.1": {"id": 1.5, "type": "freq"}}', r"class '1\.1' has the id 1\.5"),
        ('{"1.1": {"id": 0, "type": "common"}}', r"'1\.1' has the type \"common\"; use 'freq' or"),
        ('{"1.1": {"id": 0, "type": ["freq"]}}', r"'1\.1' has the type \[\"freq\"\]"),
        ('{"1.1": {"id": 0}}', r"class '1\.1' has the type null"),
        (
            '{"1.1": {"id": 0, "type": "freq"}, "1.1": {"id": 1, "type": "freq"}}',
            r"the key '1\.1' stands twice",
        ),
        (
            '{"1.1": {"id": 4, "type": "freq"}, "2.5": {"id": 4, "type": "freq"}}',
            r"classes '1\.1' and '2\.5' have the same id 4",
        ),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_wrong_classes_json(tmp_path: Path, text: str, message: str) -> None:
    root = data_folder(tmp_path, {}, ["1.1.png", "2.5.png"])
    (root / "classes.json").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        SignCatalogue.from_folder(root)
    assert str(tmp_path) in str(caught.value)


def test_classes_json_in_another_encoding(tmp_path: Path) -> None:
    root = data_folder(tmp_path, {})
    (root / "classes.json").write_bytes('{"знак": 1}'.encode("cp1251"))
    with pytest.raises(InputError, match=r"classes\.json is cp1251 .* text, not UTF-8"):
        SignCatalogue.from_folder(root)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"classes\.json cannot be read: No such file"):
        SignCatalogue.from_folder(tmp_path)
    (tmp_path / "classes.json").write_text('{"1.1": {"id": 0, "type": "freq"}}')
    with pytest.raises(InputError, match=r"there is no folder .*icons"):
        SignCatalogue.from_folder(tmp_path)
    (tmp_path / "icons").mkdir()
    with pytest.raises(InputError, match="icons holds no PNG, JPEG or SVG"):
        SignCatalogue.from_folder(tmp_path)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["1.1", "2.5", "id", "type", "a/b"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_gives_a_catalogue_or_an_input_error(tmp_path: Path, value: object) -> None:
    if not (tmp_path / "icons").exists():
        data_folder(tmp_path, {}, ["1.1.png", "2.5.png"])
    (tmp_path / "classes.json").write_text(json.dumps(value))
    try:
        catalogue = SignCatalogue.from_folder(tmp_path)
    except InputError:
        return
    assert isinstance(value, dict)
    assert set(catalogue.codes) == set(value)


# --- wrong icons ----------------------------------------------------------------------------------


def test_all_classes_without_icon_are_named_at_once(tmp_path: Path) -> None:
    classes = {code: cls(i) for i, code in enumerate(("1.1", "1.10", "3.24.n60", "2.5"))}
    root = data_folder(tmp_path, classes, ["1.1.png", "3.24.n6.png", "2.5.webp"])
    with pytest.raises(InputError, match=r"3 of 4 classes have no icon: 1\.10, 3\.24\.n60, 2\.5"):
        SignCatalogue.from_folder(root)


@pytest.mark.parametrize("name", ["1.1.png", "1.1@second.png"])
def test_truncated_icon_stops_before_the_training(tmp_path: Path, name: str) -> None:
    root = data_folder(tmp_path, {"1.1": cls(0)}, ["1.1.png", name])
    path = root / "icons" / name
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(InputError, match=rf"{name} is damaged or cut off"):
        SignCatalogue.from_folder(root)


def test_one_pixel_icon(tmp_path: Path) -> None:
    root = data_folder(tmp_path, {"1.1": cls(0)})
    Image.new("RGBA", (1, 1), (255, 0, 0, 200)).save(root / "icons" / "1.1.png")
    with pytest.raises(InputError, match=r"1\.1\.png is 1x1 px"):
        SignCatalogue.from_folder(root)


def test_icon_without_alpha_warns_or_stops_if_strict(tmp_path: Path) -> None:
    root = data_folder(tmp_path, {"1.1": cls(0)})
    picture = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(picture).polygon([(32, 4), (60, 60), (4, 60)], fill="red")
    picture.save(root / "icons" / "1.1.png")
    with pytest.warns(IconWarning, match=r"1\.1\.png has no transparency"):
        SignCatalogue.from_folder(root)
    with pytest.raises(InputError, match=r"1\.1\.png has no transparency.*transparent background"):
        SignCatalogue.from_folder(root, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_icon(root / "icons" / "1.1.png")
        SignCatalogue.from_folder(root, strict=True)


# --- hand-made classes ----------------------------------------------------------------------------


def sign(code: str, number: int, twin: str | None = None) -> SignClass:
    return SignClass(code, number, "freq", (Path("x.png"),), "red ring", twin)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([], "has no class"),
        ([sign("a", 0), sign("a", 1)], "class 'a' stands twice"),
        ([sign("a", 5), sign("b", 5)], "'a' and 'b' have the same id 5"),
        ([sign("a/b", 0)], "names no file"),
        ([sign("", 0)], "names no file"),
        ([sign("a", 0, "b")], "twin 'b' of class 'a'"),
        ([sign("a", 0, "a")], "twin 'a' of class 'a'"),
        ([sign("a", 0, "b"), sign("b", 1)], "twin 'b' of class 'a'"),
        ([sign("a", 0, "b"), sign("b", 1, "c"), sign("c", 2, "b")], "twin 'b' of class 'a'"),
    ],
)
def test_wrong_classes(classes: list[SignClass], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SignCatalogue(classes)


# --- save and load --------------------------------------------------------------------------------


def rows(catalogue: SignCatalogue) -> list[tuple[Any, ...]]:
    return [
        (s.code, s.id, s.type, s.family, s.twin, [load_icon(i, 24).tolist() for i in s.icons])
        for s in catalogue.classes
    ]


def test_round_trip_is_self_contained(tmp_path: Path) -> None:
    classes = {"1.11.2": cls(9, "rare"), "1.11.1": cls(2), "знак": cls(4), "3.24.n60": cls(1)}
    root = data_folder(tmp_path / "data", classes)
    draw_icon(root / "icons" / "3.24.n60@yellow.png", "yellow")
    (root / "icons" / "3.24.n60.svg").write_text(SVG)
    catalogue = SignCatalogue.from_folder(root)
    before = rows(catalogue)
    catalogue.save(tmp_path / "run" / "catalogue")
    shutil.rmtree(root)
    shutil.move(tmp_path / "run", tmp_path / "moved")
    loaded = SignCatalogue.load(tmp_path / "moved" / "catalogue")
    assert rows(loaded) == before
    assert len(loaded[0].icons) == 3
    loaded.save(tmp_path / "moved" / "catalogue")  # onto itself
    assert rows(SignCatalogue.load(tmp_path / "moved" / "catalogue")) == before


def test_equal_icon_names_of_different_folders_do_not_overwrite(tmp_path: Path) -> None:
    for folder, colour in (("a", "red"), ("b", "blue")):
        (tmp_path / folder).mkdir()
        draw_icon(tmp_path / folder / "x.png", colour)
    icons = (tmp_path / "a" / "x.png", tmp_path / "b" / "x.png")
    catalogue = SignCatalogue([SignClass("1.1", 0, "freq", icons, "red triangle", None)])
    catalogue.save(tmp_path / "c")
    assert rows(SignCatalogue.load(tmp_path / "c")) == rows(catalogue)


def test_save_with_a_lost_icon_leaves_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.png cannot be read"):
        SignCatalogue([sign("a", 0)]).save(tmp_path / "c")
    assert not (tmp_path / "c" / "catalogue.json").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"icons": ["../../x.png"]}, "has the icons"),
        ({"icons": []}, "has the icons"),
        ({"icons": ["lost.png"]}, r"icons are missing: .*lost\.png"),
        ({"id": None}, "has the id null"),
        ({"type": "common"}, "has the type"),
        ({"family": 3}, "lacks a code or a family"),
        ({"code": None}, "lacks a code or a family"),
        ({"twin": 3}, "has the twin 3"),
        ({"twin": "2.5"}, "twin '2.5'"),
    ],
)
def test_spoilt_copy(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    root = data_folder(tmp_path / "data", {"1.1": cls(0)})
    SignCatalogue.from_folder(root).save(tmp_path / "c")
    path = tmp_path / "c" / "catalogue.json"
    saved = json.loads(path.read_text(encoding="utf-8"))
    saved["classes"][0].update(change)
    path.write_text(json.dumps(saved))
    with pytest.raises(InputError, match=message):
        SignCatalogue.load(tmp_path / "c")


def test_load_of_other_things(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"catalogue\.json cannot be read"):
        SignCatalogue.load(tmp_path)
    for text in ("{}", '{"classes": {}}', '{"classes": [1]}'):
        (tmp_path / "catalogue.json").write_text(text)
        with pytest.raises(InputError, match="no list of objects 'classes'"):
            SignCatalogue.load(tmp_path)


# --- real data ------------------------------------------------------------------------------------


@pytest.mark.real_data
def test_the_real_catalogue(tmp_path: Path) -> None:
    data = os.environ.get("RARESIGN_DATA")
    if not data:
        pytest.skip("RARESIGN_DATA is not set: it names the folder with rtsd-r1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        catalogue = SignCatalogue.from_folder(Path(data) / "rtsd-r1", strict=True)
    assert len(catalogue) == 67
    assert len(catalogue.labels_of_type("freq")) == 45
    assert len({sign.family for sign in catalogue.classes}) == 6
    assert catalogue[catalogue.label_of("4.1.2.1")].twin == "4.1.2.2"
    for s in catalogue.classes:
        assert s.twin is None or catalogue[catalogue.label_of(s.twin)].twin == s.code
        icon = load_icon(s.icons[0], 64)
        assert icon[..., 3].max() == 255
        assert all((icon[side][..., 3] > 0).any() for side in np.s_[[0], [-1], :, :1])
    catalogue.save(tmp_path)
    assert rows(SignCatalogue.load(tmp_path)) == rows(catalogue)
