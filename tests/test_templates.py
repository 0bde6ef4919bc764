"""One template gives a whole family of signs: the text is right, fits, and survives a copy."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from raresign.errors import InputError
from raresign.signs.catalogue.pictures import class_pictures, load_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.icons.icon_file import load_icon
from raresign.signs.icons.lettering import Slot, outline
from raresign.signs.icons.svg_renderer import draw_svg
from raresign.signs.icons.templates import class_icons, fill_slots, read_icon_svg
from raresign.signs.values import code_values

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 700">'
RING = '<circle cx="350" cy="350" r="310" fill="#fff" stroke="#d5121e" stroke-width="80"/>'
VALUE = '<rect data-slot="value" x="130" y="220" width="440" height="260" fill="#111"{}/>'
SQUARE = '<rect width="700" height="700" fill="#fff"/>'


def speed_limit(folder: Path, more: str = "", name: str = "3.24.svg") -> Path:
    return written(folder / name, RING + VALUE.format(more))


def written(path: Path, inside: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEAD}{inside}</svg>", encoding="utf-8")
    return path


def dark(icon: np.ndarray) -> np.ndarray:
    return (icon[..., 3] > 250) & (icon[..., :3].max(axis=2) < 150)


def ink_box(icon: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the dark pixels, the last two exclusive."""
    rows, columns = (np.flatnonzero(dark(icon).any(axis=axis)) for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def set_path(path: Path, code: str) -> str:
    """The path data in place of the only slot."""
    (lettering,) = [e for e in read_icon_svg(path, code).iter("path") if "d" in e.attrib]
    return lettering.attrib["d"]


# --- lettering ------------------------------------------------------------------------------------

ROAD_TEXT = st.text("0123456789,.:-тмкчАЯпрgQ%", min_size=1, max_size=9)


@settings(max_examples=60, deadline=None)
@given(
    ROAD_TEXT, st.floats(20, 250), st.floats(20, 250), st.sampled_from(["start", "middle", "end"])
)
def test_no_ink_leaves_the_slot(text: str, width: float, height: float, align: Any) -> None:
    """Drawn, not computed: an oracle that knows nothing of font tables."""
    line = outline(text, Slot(3, 2, width, height, align))
    svg = f'{HEAD.replace("700", "256")}<path d="{line.path}"/></svg>'
    alpha = np.asarray(draw_svg(svg.encode(), 256, "a"))[..., 3]
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    assert columns[0] >= 2 and rows[0] >= 1  # noqa: PT018
    assert columns[-1] <= 3 + width and rows[-1] <= 2 + height  # noqa: PT018
    # As large as the slot allows: it touches two opposite sides, but for lines without capitals.
    spare = width - (columns[-1] + 1 - columns[0])
    assert spare < 2.5 or line.letter_height > 0.55 * height
    at = {"start": 0, "middle": 0.5, "end": 1}[align]
    assert abs(columns[0] - 3 - at * spare) < 2.5


def test_letters_shrink_as_the_text_grows() -> None:
    heights = [outline("8" * n, Slot(0, 0, 100, 60)).letter_height for n in range(1, 9)]
    assert heights[0] == heights[1] > heights[2] > heights[3] > heights[7]


def test_outlines_depend_on_nothing_but_the_font() -> None:
    """Golden: a changed font, kerning or rounding would change every rendered value."""
    line = outline("1", Slot(0, 0, 513, 660))
    assert line.letter_height == 660
    assert line.path == "M257 660V148H140V76Q188 67 223 54Q257 42 287 24H373V660Z"


def test_a_glyph_that_is_missing() -> None:
    with pytest.raises(InputError, match="no glyph for '中' of the text '5中'"):
        outline("5中", Slot(0, 0, 9, 9))


# --- codes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "template", "value"),
    [
        ("3.24.n20", "3.24", "20"),
        ("3.24.n5.5", "3.24", "5.5"),
        ("3.13.r2.9", "3.13", "2.9"),
        ("3.13.r4.0", "3.13", "4.0"),
        ("3.13.r3", "3.13", "3"),
        ("6.2.n70", "6.2", "70"),
        ("8.1.1.n300", "8.1.1", "300"),
        ("8.5.4.t0800-2000", "8.5.4", "8:00-20:00"),
        ("8.5.4.t0000-2400", "8.5.4", "0:00-24:00"),
        ("limit.n7", "limit", "7"),
    ],
)
def test_value_of_a_code(code: str, template: str, value: str) -> None:
    assert code_values(code, template)["value"] == value


def test_several_values() -> None:
    assert code_values("8.5.7.t0800-1200.t1400-1830.n5.5", "8.5.7") == {
        "1": "8:00",
        "2": "12:00",
        "3": "14:00",
        "4": "18:30",
        "5": "5.5",
    }
    for bare in ("3.24", "3.24.n", "3.24.r"):
        assert code_values(bare, "3.24") == {}


@pytest.mark.parametrize(
    "rest",
    ["20", "x20", "n-5", "n5,5", "n5.", "n20.", "n²", "t8-20", "t0860-2000", "t0800-2401", "nn"],
)
def test_unreadable_values(rest: str) -> None:
    with pytest.raises(InputError, match=r"class '3\.24\..*(no value for|no time of day)"):
        code_values(f"3.24.{rest}", "3.24")


# --- which icon -----------------------------------------------------------------------------------


def test_own_files_win_then_the_longest_template(tmp_path: Path) -> None:
    speed_limit(tmp_path)
    yellow = speed_limit(tmp_path, name="3.24@yellow.svg")
    long = speed_limit(tmp_path, name="3.24.n5.svg")
    plain = written(tmp_path / "3.2.svg", RING)
    own = tmp_path / "3.24.n20.png"
    files = {
        "3.24": [tmp_path / "3.24.svg", yellow, tmp_path / "3.24@old.png"],
        "3.24.n5": [long],
        "3.24.n20": [own],
        "3.2": [plain],
    }
    codes = ["3.24.n20", "3.24.n30", "3.24.n5", "3.24.n5.5", "3.2.n5", "3.24", "3.240.n5", "x"]
    assert class_icons(codes, files) == {
        "3.24.n20": (own,),
        "3.24.n30": (tmp_path / "3.24.svg", yellow),  # a PNG has no slot
        "3.24.n5": (long,),
        "3.24.n5.5": (long,),
        "3.24": tuple(files["3.24"]),
    }


# --- filling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["5", "20", "110", "5.5", "1000"])
def test_text_stays_in_its_slot_on_the_sign(tmp_path: Path, value: str) -> None:
    path = written(tmp_path / "3.24.svg", SQUARE + VALUE.format(""))
    left, top, right, bottom = ink_box(load_icon(path, 700, f"3.24.n{value}"))
    assert left >= 129 and top >= 219 and right <= 571 and bottom <= 481  # noqa: PT018
    assert abs((left + right) / 2 - 350) < 2
    assert max((right - left) / 440, (bottom - top) / 260) > 0.95


def test_wider_values_have_smaller_letters(tmp_path: Path) -> None:
    path = written(tmp_path / "3.24.svg", SQUARE + VALUE.format(""))
    heights = []
    for value in ("20", "200", "2000"):
        _, top, _, bottom = ink_box(load_icon(path, 350, f"3.24.n{value}"))
        heights.append(bottom - top)
    assert heights[0] > heights[1] > heights[2]


def test_decimal_comma_unless_the_slot_says_else(tmp_path: Path) -> None:
    slot = Slot(130, 220, 440, 260)
    path = speed_limit(tmp_path)
    assert set_path(path, "3.24.n5.5") == outline("5,5", slot).path
    path = speed_limit(tmp_path, ' data-decimal="."')
    assert set_path(path, "3.24.r5.5") == outline("5.5", slot).path


def test_unit_and_alignment(tmp_path: Path) -> None:
    path = speed_limit(tmp_path, ' data-text="{value}т" data-align="end"', "3.11.svg")
    assert set_path(path, "3.11.n8") == outline("8т", Slot(130, 220, 440, 260, "end")).path


def test_hours_in_one_slot_and_in_two(tmp_path: Path) -> None:
    one = written(
        tmp_path / "8.5.4.svg",
        '<rect width="700" height="350" fill="#fff"/>'
        '<rect data-slot="value" x="30" y="100" width="640" height="150"/>',
    )
    assert set_path(one, "8.5.4.t0800-2000") == outline("8:00-20:00", Slot(30, 100, 640, 150)).path
    two = written(
        tmp_path / "8.5.5.svg",
        '<rect data-slot="1" width="300" height="90"/>'
        '<rect data-slot="2" y="100" width="300" height="90"/>',
    )
    texts = [e.attrib["d"] for e in read_icon_svg(two, "8.5.5.t0730-1900").iter("path")]
    assert texts == [
        outline("7:30", Slot(0, 0, 300, 90)).path,
        outline("19:00", Slot(0, 100, 300, 90)).path,
    ]
    both = written(
        tmp_path / "8.5.7.svg",
        '<rect data-slot="1" data-text="{1}-{2}" width="300" height="90"/>'
        '<rect data-slot="3" data-text="{3}-{4}" y="99" width="300" height="90"/>',
    )
    texts = [e.attrib["d"] for e in read_icon_svg(both, "8.5.7.t0800-1200.t1400-1800").iter("path")]
    assert texts[1] == outline("14:00-18:00", Slot(0, 99, 300, 90)).path


def test_transform_fill_and_opacity_go_over(tmp_path: Path) -> None:
    turned = ' transform="rotate(90 350 350)" opacity=".9" rx="9" stroke="red"'
    path = written(tmp_path / "3.24.svg", SQUARE + VALUE.format(turned))
    (lettering,) = read_icon_svg(path, "3.24.n1000").iter("path")
    assert set(lettering.attrib) == {"d", "fill", "opacity", "transform"}
    left, top, right, bottom = ink_box(load_icon(path, 350, "3.24.n1000"))
    assert bottom - top > 2 * (right - left)


def test_a_class_without_value_has_an_empty_slot(tmp_path: Path) -> None:
    path = speed_limit(tmp_path)
    plain = load_icon(written(tmp_path / "plain.svg", RING), 64)
    for code in ("3.24", "3.24.n"):
        assert np.array_equal(load_icon(path, 64, code), plain)
    assert np.array_equal(load_icon(path, 64), plain)
    assert np.array_equal(load_icon(path, 64, "3.25.n40"), plain)  # of another code


def test_slots_in_groups_and_drawings_without(tmp_path: Path) -> None:
    path = written(tmp_path / "3.24.svg", f'{RING}<g transform="scale(1)">{VALUE.format("")}</g>')
    assert np.array_equal(
        load_icon(path, 64, "3.24.n20"), load_icon(speed_limit(tmp_path / "b"), 64, "3.24.n20")
    )


@pytest.mark.parametrize(
    ("inside", "code", "message"),
    [
        (
            VALUE.format(""),
            "3.24.n1234567890",
            r"'1234567890' does not fit the slot 'value'.* 2\d% ",
        ),
        (VALUE.format(' data-text="{value}中"'), "3.24.n5", "no glyph for '中'"),
        (VALUE.format(' data-text=" "'), "3.24.n5", "blank text"),
        (
            VALUE.format(' data-text="{2}"'),
            "3.24.n5",
            "asks for the value '2', the code gives 1, v",
        ),
        (VALUE.format(' data-text="x"'), "3.24.n5", "no slot shows the value '5'"),
        (VALUE.format(' data-align="left"'), "3.24.n5", "data-align 'left'"),
        (VALUE.format(""), "3.24.foo", "'foo' is no value for the template '3.24'"),
        (VALUE.format(""), "3.24.t0800-2000.n5", "asks for the value 'value'"),
        ('<rect data-slot="1" width="9" height="9"/>', "3.24.t0800-2000", "no slot shows .*20:00"),
        ('<rect data-slot="value" width="9"/>', "3.24.n5", "'value' is 9 x 0"),
        ('<rect data-slot="value" width="50%" height="9"/>', "3.24.n5", "width='50%'"),
        ('<rect data-slot="value" width="nan" height="9"/>', "3.24.n5", "width='nan'"),
        ('<rect data-slot="value" x="1e300" width="9" height="9"/>', "3.24.n5", "x='1e300'"),
        ('<circle data-slot="value" r="9"/>', "3.24.n5", "slot is a <circle>"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, inside: str, code: str, message: str) -> None:
    path = written(tmp_path / "3.24.svg", RING + inside)
    with pytest.raises(InputError, match=message) as caught:
        load_icon(path, 64, code)
    assert f"icon {path} for class '{code}'" in str(caught.value)
    assert caught.value.hint


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text("nrt0123456789.-", max_size=12))
def test_any_code_gives_a_picture_or_an_input_error(tmp_path: Path, rest: str) -> None:
    path = tmp_path / "3.24.svg"
    if not path.exists():
        speed_limit(tmp_path)
    with contextlib.suppress(InputError):
        assert load_icon(path, 16, f"3.24.{rest}").shape == (16, 16, 4)


def test_fill_slots_leaves_the_rest(tmp_path: Path) -> None:
    root = read_icon_svg(speed_limit(tmp_path), "3.24.n20")
    before = [element.tag for element in root.iter()]
    fill_slots(root, {})
    assert [element.tag for element in root.iter()] == before == ["svg", "circle", "path"]


# --- the catalogue --------------------------------------------------------------------------------

CLASSES = ("3.24.n", "3.24.n20", "3.24.n40", "3.13.r2.9", "1.11.1", "1.11.2")


def data_folder(root: Path) -> Path:
    icons = root / "icons"
    speed_limit(icons)
    written(icons / "3.24@yellow.svg", RING.replace("#fff", "#fd0") + VALUE.format(""))
    speed_limit(icons, ' data-text="{value}м"', "3.13.svg")
    for code in ("3.24.n40", "1.11.1", "1.11.2"):
        Image.new("RGBA", (40, 40), (255, 0, 0, 200)).save(icons / f"{code}.png")
    rows = {code: {"id": number, "type": "rare"} for number, code in enumerate(CLASSES)}
    (root / "classes.json").write_text(json.dumps(rows))
    return root


def test_catalogue_uses_templates(tmp_path: Path) -> None:
    catalogue = SignCatalogue.from_folder(data_folder(tmp_path), country="RU")
    assert [[icon.name for icon in sign.icons] for sign in catalogue.classes] == [
        ["3.24.svg", "3.24@yellow.svg"],
        ["3.24.svg", "3.24@yellow.svg"],
        ["3.24.n40.png"],
        ["3.13.svg"],
        ["1.11.1.png"],
        ["1.11.2.png"],
    ]
    assert [sign.twin for sign in catalogue.classes] == [None] * 4 + ["1.11.2", "1.11.1"]
    twenty = class_pictures(catalogue[1], 64)
    assert [picture.shape for picture in twenty] == [(64, 64, 4)] * 2
    assert np.array_equal(twenty[0], load_icon(tmp_path / "icons/3.24.svg", 64, "3.24.n20"))
    assert tuple(twenty[1][16, 32]) == (255, 221, 0, 255)
    assert not dark(class_pictures(catalogue[0], 64)[0]).any()
    for one, all_ in zip(catalogue.classes, load_pictures(catalogue.classes, 48), strict=True):
        assert np.array_equal(class_pictures(one, 48), all_)


def test_round_trip_in_a_run_folder(tmp_path: Path) -> None:
    root = data_folder(tmp_path / "data")
    catalogue = SignCatalogue.from_folder(root)
    before = load_pictures(catalogue.classes, 64)
    catalogue.save(tmp_path / "run" / "catalogue")
    shutil.rmtree(root)
    shutil.move(tmp_path / "run", tmp_path / "moved")
    folder = tmp_path / "moved" / "catalogue"
    assert sorted(path.name for path in (folder / "icons").iterdir())[-3:] == [
        "3.24.n20@1.svg",
        "3.24.n40.png",
        "3.24.n@1.svg",
    ]
    loaded = SignCatalogue.load(folder)
    for ours, theirs in zip(before, load_pictures(loaded.classes, 64), strict=True):
        assert np.array_equal(ours, theirs)
    plain = [load_icon(path, 64) for path in loaded[1].icons]  # needs to know no code any more
    assert np.array_equal(plain, before[1])
    loaded.save(folder)  # onto itself
    assert np.array_equal(load_pictures(SignCatalogue.load(folder).classes, 64)[1], before[1])


def test_a_text_that_does_not_fit_stops_before_the_training(tmp_path: Path) -> None:
    root = data_folder(tmp_path)
    (root / "classes.json").write_text('{"3.13.r123456789.5": {"id": 0, "type": "rare"}}')
    with pytest.raises(
        InputError, match=r"3\.13\.svg for class '3\.13\.r123456789\.5'.*'123456789,5м'"
    ):
        SignCatalogue.from_folder(root)
