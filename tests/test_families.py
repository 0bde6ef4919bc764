"""Families by GOST code and by icon agree; mirror twins are symmetric and true."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from raresign.signs.catalogue.families import family_of_icon
from raresign.signs.catalogue.twins import find_twins, looks_symmetric, mirror_similarity
from raresign.signs.countries.drawn_sign import render_sign
from raresign.signs.countries.registry import country, standard
from raresign.signs.icons.icon_file import load_icon

RUSSIA = country("RU")
COLOURS = {
    "red": (220, 20, 20),
    "yellow": (250, 200, 0),
    "green": (0, 130, 60),
    "blue": (0, 90, 200),
    "white": (255, 255, 255),
}
SHAPES = {
    "triangle": [(50, 0), (100, 100), (0, 100)],
    "inverted triangle": [(0, 0), (100, 0), (50, 100)],
    "square": [(0, 0), (100, 0), (100, 100), (0, 100)],
    "diamond": [(50, 0), (100, 50), (50, 100), (0, 50)],
    "octagon": [(29, 0), (71, 0), (100, 29), (100, 71), (71, 100), (29, 100), (0, 71), (0, 29)],
}
CODES = """
1.1 1.10 1.11.1 1.11.2 1.12.1 1.12.2 1.13 1.14 1.15 1.16 1.17 1.18 1.19 1.2 1.20.1 1.20.2 1.20.3
1.21 1.22 1.23 1.25 1.26 1.27 1.30 1.31 1.33 1.5 1.6 1.7 1.8 2.1 2.2 2.3.1 2.3.2 2.3.3 2.3.4
2.3.5 2.3.6 2.4 2.5 2.6 2.7 3.1 3.10 3.11.n13 3.12.n10 3.13.r 3.13.r2.5 3.14.r2.7 3.16.n 3.18.1
3.18.2 3.19 3.2 3.20 3.21 3.24.n 3.24.n10 3.25.n 3.25.n20 3.27 3.28 3.29 3.30 3.31 3.32 3.33
3.34 3.35 3.4.n 3.4.n2 3.6 3.7 4.1.1 4.1.2 4.1.3 4.1.4 4.1.5 4.1.6 4.2.1 4.2.2 4.2.3 4.3 4.5.1
4.8.2 4.8.3 5.11.1 5.12.1 5.14 5.15.1 5.15.2 5.15.3 5.15.5 5.15.7 5.16 5.17 5.18 5.19.1 5.20
5.21 5.22 5.3 5.4 5.5 5.6 5.7.1 5.7.2 5.8 6.15.1 6.15.2 6.15.3 6.16 6.2.n 6.2.n20 6.3.1 6.4 6.6
6.7 6.8.1 6.8.2 6.8.3 7.1 7.11 7.12 7.14 7.15 7.18 7.2 7.3 7.4 7.5 7.6 7.7 8.1.1 8.1.3 8.1.4
8.13 8.14 8.15 8.16 8.17 8.18 8.2.1 8.2.2 8.2.3 8.2.4 8.23 8.3.1 8.3.2 8.3.3 8.4.1 8.4.3 8.4.4
8.5.2 8.5.4 8.6.2 8.6.4 8.8
"""


def drawn(shape: str, colour: str, width: int = 120, height: int = 120) -> np.ndarray:
    """A sign of one colour with a white outermost line and a pictogram."""
    picture = Image.new("RGBA", (width * 4, height * 4), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    for inset, fill in ((0.0, (255, 255, 255)), (0.03, COLOURS[colour])):
        if shape == "disc":
            points = [
                (50 + 50 * np.cos(a), 50 + 50 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 90)
            ]
        else:
            points = SHAPES[shape]
        corners = [
            (
                (50 + (x - 50) * (1 - 2 * inset)) * width / 25,
                (50 + (y - 50) * (1 - 2 * inset)) * height / 25,
            )
            for x, y in points
        ]
        pen.polygon(corners, fill=(*fill, 255))
    pen.rectangle((width * 1.8, height * 1.8, width * 2.2, height * 2.6), fill=(0, 0, 0, 255))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


def ring(border: str, field: str) -> np.ndarray:
    picture = Image.new("RGBA", (240, 240), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.ellipse(
        (0, 0, 239, 239), fill=(*COLOURS[field], 255), outline=(*COLOURS[border], 255), width=26
    )
    pen.rectangle((100, 90, 120, 150), fill=(0, 0, 0, 255))
    return np.asarray(picture)


# --- by code --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "family"),
    [
        ("1.1", "red triangle"),
        ("1.34.2", "red plate"),
        ("1.3.1", "red cross"),
        ("2.1", "yellow diamond"),
        ("2.4", "red inverted triangle"),
        ("2.5", "red octagon"),
        ("2.6", "red ring"),
        ("2.7", "blue square"),
        ("3.1", "red disc"),
        ("3.10", "red ring"),
        ("3.18.1", "red ring"),
        ("3.2", "red ring"),
        ("3.20", "red ring"),
        ("3.21", "white disc"),
        ("3.24.n60", "red ring"),
        ("3.25.n", "white disc"),
        ("3.30", "blue disc red ring"),
        ("3.31", "white disc"),
        ("3.13.r4.5", "red ring"),
        ("4.1.2.1", "blue disc"),
        ("4.8.2", "white plate"),
        ("5.7.1", "blue plate"),
        ("5.15.1", "blue plate"),
        ("5.15.2", "blue square"),
        ("6.16", "white plate"),
        ("6.2.n50", "blue square"),
        ("7.18", "blue plate"),
        ("8.13", "white plate"),
        ("8.5.4.t0800-2000", "white plate"),
    ],
)
def test_gost_family(code: str, family: str) -> None:
    assert RUSSIA.family(code) == family


@pytest.mark.parametrize(
    "code", ["", "stop", "00012", "1", "9.1", "1.1.1.1.1", "1.1 ", "R1-1", "6.10.1"]
)
def test_codes_that_do_not_tell(code: str) -> None:
    assert RUSSIA.family(code) is None


def test_every_reference_class_has_a_family() -> None:
    codes = CODES.split()
    assert not [code for code in codes if RUSSIA.family(code) is None]
    assert all(RUSSIA.knows(code) for code in codes)


# --- by icon --------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", ["red", "yellow", "green", "blue", "white"])
@pytest.mark.parametrize("shape", [*SHAPES, "disc"])
def test_family_of_a_drawn_sign(shape: str, colour: str) -> None:
    expected = f"{colour} {shape}".replace("white square", "white plate")
    assert family_of_icon(drawn(shape, colour)) == expected


@pytest.mark.parametrize(("width", "height"), [(120, 60), (60, 120), (120, 40), (160, 115)])
def test_long_rectangles_are_plates(width: int, height: int) -> None:
    assert family_of_icon(drawn("square", "blue", width, height)) == "blue plate"


@pytest.mark.parametrize(
    ("border", "field", "family"),
    [
        ("red", "white", "red ring"),
        ("red", "yellow", "red ring"),
        ("red", "blue", "blue disc red ring"),
        ("red", "red", "red disc"),
        ("blue", "white", "blue disc"),
        ("white", "white", "white disc"),
    ],
)
def test_family_of_a_ring(border: str, field: str, family: str) -> None:
    assert family_of_icon(ring(border, field)) == family


@pytest.mark.parametrize("side", [8, 12, 32, 500])
def test_family_at_any_size(side: int) -> None:
    small = Image.fromarray(drawn("triangle", "red")).resize((side, side), Image.Resampling.BOX)
    assert family_of_icon(np.asarray(small)) == "red triangle"


def test_ghost_of_an_icon_has_some_family() -> None:
    assert family_of_icon(np.full((20, 20, 4), 60, np.uint8))


# --- twins ----------------------------------------------------------------------------------------


def arrow(dx: int = 0, colour: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """A blue disc with an arrow that leans to one side."""
    picture = Image.new("RGBA", (128, 128), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((0, 0, 127, 127), fill=(0, 90, 200, 255))
    pen.line((64 - dx, 100, 64 + dx, 30), fill=(*colour, 255), width=14)
    return np.asarray(picture)


def test_twins_by_icon_without_gost_codes() -> None:
    icons = {
        "keep-left": arrow(-30),
        "straight": arrow(0),
        "keep-right": arrow(30),
        "keep-left-yellow": arrow(-30, (250, 200, 0)),
        "keep-right-slightly": arrow(12),
    }
    assert find_twins(icons) == {"keep-left": "keep-right", "keep-right": "keep-left"}
    assert looks_symmetric(icons["straight"])
    assert not looks_symmetric(icons["keep-left"])
    assert find_twins({}) == find_twins({"a": arrow(-30)}) == {}


def test_gost_codes_go_by_the_table_not_by_the_icon() -> None:
    icons = {"3.24.n5": arrow(-30), "3.24.n8": arrow(30), "1.11.1": arrow(), "1.11.2": arrow()}
    assert find_twins(icons, RUSSIA) == {"1.11.1": "1.11.2", "1.11.2": "1.11.1"}
    assert set(find_twins(icons)) == {"3.24.n5", "3.24.n8"}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-40, 40), max_size=9), st.integers(0, 99))
def test_twins_are_symmetric_and_irreflexive(leans: list[int], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(leans))
    twins = find_twins({f"sign{i}": arrow(leans[i]) for i in order})
    assert all(twins[twins[code]] == code != twins[code] for code in twins)


def test_similarity_is_that_of_a_naive_loop() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 256, (32, 32, 4), dtype=np.uint8) for _ in range(2))
    a[..., 3] = b[..., 3] = 255
    mirrored, other = a[:, ::-1, :3] / 255, b[..., :3] / 255
    worst = []
    for one, two in ((mirrored, other), (other, mirrored)):
        worst.append(np.empty((32, 32)))
        for y in range(32):
            for x in range(32):
                near = np.array(
                    [
                        two[min(max(v, 0), 31), min(max(u, 0), 31)]
                        for v in (y - 1, y, y + 1)
                        for u in (x - 1, x, x + 1)
                    ]
                )
                pixel = one[y, x]
                worst[-1][y, x] = max(0, *(pixel - near.max(0)), *(near.min(0) - pixel))
    expected = 1 - np.sort(np.maximum(*worst).ravel())[-10:].mean()
    assert mirror_similarity(a, b) == pytest.approx(expected, abs=1e-5)


# --- real icons -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_icons() -> dict[str, list[Path]]:
    data = os.environ.get("RARESIGN_DATA")
    if not data:
        pytest.skip("RARESIGN_DATA is not set: it names the folder with rtsd-r1 and icons-ru")
    folders = [Path(data) / "icons-ru", Path(data) / "rtsd-r1" / "icons"]
    if not all(folder.is_dir() for folder in folders):
        pytest.skip(f"{data} lacks icons-ru or rtsd-r1/icons")
    found: dict[str, list[Path]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.png")):
            found.setdefault(path.stem, []).append(path)
    return found


@pytest.mark.real_data
def test_computed_families_agree_with_gost(real_icons: dict[str, list[Path]]) -> None:
    pairs = [
        (path, RUSSIA.family(code), family_of_icon(load_icon(path)))
        for code, paths in real_icons.items()
        for path in paths
    ]
    differ = [pair for pair in pairs if pair[1] != pair[2]]
    assert len(pairs) == 211
    # Reached: 211 of 211.
    assert len(differ) <= 2, differ


@pytest.mark.real_data
def test_twins_found_by_icon_are_those_of_gost(real_icons: dict[str, list[Path]]) -> None:
    icons = {code: load_icon(paths[-1]) for code, paths in real_icons.items()}
    renamed = find_twins({f"x{code}": icon for code, icon in icons.items()})
    by_icon = {code[1:]: twin[1:] for code, twin in renamed.items()}
    by_code = find_twins(icons, RUSSIA)
    # The prohibition bar of 3.18 slants the same way in both, so no mirror makes one of the other.
    assert {code: twin for code, twin in by_code.items() if "3.18" not in code} == by_icon
    symmetric = {code for code, icon in icons.items() if looks_symmetric(icon)}
    assert {
        "1.1",
        "1.8",
        "2.1",
        "2.3.1",
        "2.4",
        "3.1",
        "3.2",
        "3.27",
        "4.1.1",
        "4.2.3",
        "5.5",
    } <= symmetric
    assert not symmetric & (
        set(by_code) | {"3.20", "3.21", "3.28", "4.3", "1.7", "7.18", "3.24.n80"}
    )


# --- small, soft and foreign icons ----------------------------------------------------------------

SIDES = (24, 32, 48, 64, 128)


def rimmed(shape: str, layers: list[tuple[float, str]], pictogram: str = "1.15") -> np.ndarray:
    """A sign of another country: layers (inset as a share of the side, colour), our pictogram."""
    side = 512
    picture = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    for inset, colour in layers:
        fill = (*COLOURS.get(colour, (10, 10, 10)), 255)
        edge = inset * side
        if shape == "triangle":
            height = 0.88 * side
            shrunk = 1 - 3 * edge / height
            middle = (side / 2, height * 2 / 3)
            corners = [(side / 2, 0.0), (float(side), height), (0.0, height)]
            pen.polygon(
                [
                    (middle[0] + (x - middle[0]) * shrunk, middle[1] + (y - middle[1]) * shrunk)
                    for x, y in corners
                ],
                fill=fill,
            )
        else:
            draw = pen.ellipse if shape == "disc" else pen.rectangle
            draw((edge, edge, side - 1 - edge, side - 1 - edge), fill=fill)
    dark = (render_sign(pictogram, 300)[60:-45, 60:-60, :3].max(axis=2) < 90).astype(np.uint8) * 255
    mask = Image.fromarray(dark).resize((230, 230 * dark.shape[0] // dark.shape[1]))
    at = (side // 2 - 115, round(side * (0.56 if shape == "triangle" else 0.5)) - mask.height // 2)
    picture.paste((10, 10, 10, 255), at, mask)
    return np.asarray(picture.crop(picture.getbbox()))


def foreign() -> list[tuple[str, np.ndarray]]:
    """Family and icon: black rims from thin to bold; red borders on white and yellow."""
    signs = []
    for pictogram in ("1.11.1", "1.15", "1.23"):
        for rim in (0.03, 0.06, 0.07, 0.1):
            plain = [(0.0, "black"), (rim, "yellow")]
            lined = [(0.0, "yellow"), (0.006, "black"), (0.006 + rim, "yellow")]
            for layers in (plain, lined):
                signs.append(("yellow triangle", rimmed("triangle", layers, pictogram)))
            ended = [(0.0, "white"), (0.02, "black"), (0.02 + rim, "white")]
            signs.append(("white disc", rimmed("disc", ended, pictogram)))
        for ground in ("white", "yellow"):
            border = [(0.0, "red"), (0.06, ground)]
            signs.append(("red triangle", rimmed("triangle", border, pictogram)))
            signs.append(("red ring", rimmed("disc", [(0.0, "red"), (0.11, ground)], pictogram)))
    return signs


def views(icon: np.ndarray) -> list[np.ndarray]:
    """The icon as it is, at all sides, plain, blurred by 1 px at 32 px, and noisy from JPEG."""
    found = [icon]
    for side in SIDES:
        scale = side / min(icon.shape[:2])
        size = [max(1, round(length * scale)) for length in icon.shape[1::-1]]
        small = Image.fromarray(icon).resize((size[0], size[1]), Image.Resampling.BOX)
        room = Image.new("RGBA", (small.width + 8, small.height + 8), (0, 0, 0, 0))
        room.paste(small, (4, 4))
        # With premultiplied alpha ("RGBa"), so that the transparent colour does not bleed in.
        soft = room.convert("RGBa").filter(ImageFilter.GaussianBlur(side / 32)).convert("RGBA")
        paper = Image.new("RGB", small.size, (128, 128, 128))
        paper.paste(small, mask=small.getchannel("A"))
        buffer = io.BytesIO()
        paper.save(buffer, "JPEG", quality=35)
        noisy = np.asarray(Image.open(buffer)).astype(float)
        noisy += np.random.default_rng(side).normal(0, 8, noisy.shape)
        alpha = (np.asarray(small)[..., 3:] >= 128) * np.uint8(255)
        worn = np.concatenate([noisy.clip(0, 255).astype(np.uint8), alpha], axis=2)
        found += [np.asarray(small), np.asarray(soft), worn]
    return found


def test_families_of_foreign_signs_at_any_size_and_softness() -> None:
    """Before black rims were seen through, 43 % of these signs were called black at full size."""
    wrong = [
        (number, view, seen, family)
        for number, (family, icon) in enumerate(foreign())
        for view, picture in enumerate(views(icon))
        if (seen := family_of_icon(picture)) != family
    ]
    assert not wrong


def test_families_of_our_signs_at_any_size_and_softness() -> None:
    signs = list(standard("gost").codes)[::4]
    wrong = [
        (code, view)
        for code in signs
        for view, picture in enumerate(views(np.asarray(render_sign(code, 160))))
        if family_of_icon(picture) != RUSSIA.family(code)
    ]
    assert not wrong
