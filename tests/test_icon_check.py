"""Icons that can stand for a new class, and those that cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from raresign.errors import InputError
from raresign.signs.catalogue.all_icons import check_icons, same_pictures
from raresign.signs.catalogue.icon_check import check_new_icon, known_look, look_on_grey
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.countries.drawn_sign import render_sign
from raresign.signs.icons.icon_file import without_border

Pixels = NDArray[np.uint8]

RECTANGULAR = ("5.5", "5.19.1", "6.4", "8.3.1", "7.3", "5.16", "8.13")
OTHERS = ("1.1", "2.1", "2.4", "2.5", "3.1", "3.2", "3.20", "3.27", "4.1.1")


def _sign(code: str, width: int = 96) -> Pixels:
    return without_border(render_sign(code, width))


def _over(icon: Pixels, colour: tuple[int, int, int], margin: int = 0) -> Pixels:
    """The icon on an opaque flat ground."""
    padded = np.pad(icon, ((margin, margin), (margin, margin), (0, 0)))
    ground = Image.new("RGBA", padded.shape[1::-1], (*colour, 255))
    return np.array(Image.alpha_composite(ground, Image.fromarray(padded)))


@pytest.mark.parametrize("code", RECTANGULAR + OTHERS)
def test_signs_with_an_outline_pass(code: str) -> None:
    check_new_icon(_sign(code), "new", [])
    check_new_icon(np.pad(_sign(code), ((9, 9), (30, 2), (0, 0))), "new", [])


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (60, 140, 70)])
@pytest.mark.parametrize("margin", [0, 8, 40])
@pytest.mark.parametrize("code", OTHERS)
def test_other_shapes_on_an_opaque_ground_are_refused(
    code: str, margin: int, colour: tuple[int, int, int]
) -> None:
    with pytest.raises(InputError, match="has no transparent background; it looks like a "):
        check_new_icon(_over(_sign(code), colour, margin), "new", [])


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0)])
@pytest.mark.parametrize("code", RECTANGULAR)
def test_rectangular_signs_need_no_transparency(code: str, colour: tuple[int, int, int]) -> None:
    opaque = _over(_sign(code), colour)
    assert (opaque[..., 3] == 255).all()
    check_new_icon(opaque, "new", [])


def test_a_transparent_margin_around_an_opaque_ground_is_no_outline() -> None:
    framed = np.pad(_over(_sign("3.1"), (255, 255, 255)), ((5, 5), (5, 5), (0, 0)))
    assert framed[..., 3].min() == 0
    with pytest.raises(InputError, match="no transparent background"):
        check_new_icon(framed, "new", [])


def test_a_photo_is_refused_by_its_corners() -> None:
    ramp = np.full((40, 60, 4), 255, dtype=np.uint8)
    ramp[..., 0] = np.linspace(0, 255, 60).astype(np.uint8)
    with pytest.raises(InputError, match=r"no transparent background; its corners differ"):
        check_new_icon(ramp, "new", [])


def test_one_flat_colour_is_no_sign() -> None:
    with pytest.raises(InputError, match="one flat colour"):
        check_new_icon(np.full((40, 40, 4), 255, dtype=np.uint8), "new", [])


@pytest.mark.parametrize("alpha", [0, 60])
def test_empty_icons_are_refused(alpha: int) -> None:
    empty = np.full((40, 40, 4), 200, dtype=np.uint8)
    empty[..., 3] = alpha
    with pytest.raises(InputError, match=r"icon of class '9\.9' is empty"):
        check_new_icon(empty, "9.9", [])


def test_the_sign_is_measured_without_its_border() -> None:
    disc = _sign("3.1")
    small = np.array(Image.fromarray(disc).resize((15, 15), Image.Resampling.BOX))
    inside = np.pad(small, ((40, 40), (40, 40), (0, 0)))
    for icon in (small, inside):
        with pytest.raises(InputError, match=r"\d+x1[0-5] px without its transparent border"):
            check_new_icon(icon, "new", [])
    check_new_icon(np.array(Image.fromarray(disc).resize((20, 20))), "new", [])
    narrow = np.pad(_over(_sign("8.3.1"), (0, 0, 0))[:10], ((20, 20), (0, 0), (0, 0)))
    with pytest.raises(InputError, match="96x10 px"):
        check_new_icon(narrow, "new", [])


def test_the_picture_of_a_class_there_is_refused_by_name() -> None:
    there = [(code, known_look(_sign(code))) for code in ("3.1", "3.2", "4.1.1")]
    for code, _ in there:
        icon = _sign(code)
        message = rf"icon of class 'new' is the picture of class '{code}' too"
        padded = np.pad(icon, ((3, 9), (0, 20), (0, 0)))
        twice = icon.repeat(2, axis=0).repeat(2, axis=1)
        for same in (icon, padded, twice):
            with pytest.raises(InputError, match=message):
                check_new_icon(same, "new", there)
    check_new_icon(_sign("4.1.2"), "new", there)
    with pytest.raises(InputError, match="class 'padded' too"):
        check_new_icon(padded[3:], "new", [("padded", known_look(padded))])


def test_a_little_noise_is_the_same_picture_and_hidden_colours_do_not_count() -> None:
    icon = _sign("3.20").copy()
    noisy = icon.copy()
    noisy[..., :3] = np.clip(
        icon[..., :3].astype(int) + np.random.default_rng(0).integers(-1, 2, (*icon.shape[:2], 3)),
        0,
        255,
    )
    noisy[icon[..., 3] == 0] = (9, 99, 199, 0)
    with pytest.raises(InputError, match=r"3\.20"):
        check_new_icon(noisy, "new", [("3.20", known_look(icon))])


def test_signs_with_other_digits_are_other_signs() -> None:
    codes = ("3.4.n5", "3.4.n8", "3.24.n40", "3.24.n60", "3.13.r2.5", "3.13.r2.6")
    there = [(code, known_look(_sign(code, 128))) for code in codes]
    for number, code in enumerate(codes):
        check_new_icon(_sign(code, 128), code, there[:number] + there[number + 1 :])


def test_an_empty_icon_among_the_classes_is_passed_over() -> None:
    check_new_icon(_sign("3.1"), "new", [("ghost", known_look(np.zeros((32, 32, 4), np.uint8)))])


def test_look_on_grey_by_hand() -> None:
    icon = np.zeros((32, 32, 4), dtype=np.uint8)
    icon[:16] = (255, 0, 100, 255)
    icon[16:] = (200, 200, 200, 0)
    look = look_on_grey(icon)
    assert look[0, 0].tolist() == [255, 0, 100]
    assert look[31, 31].tolist() == [128, 128, 128]


@pytest.mark.parametrize("ground", [(0, 80, 200), (0, 110, 60), (240, 200, 0)])
@pytest.mark.parametrize("shape", [(5, 5, 30, 18), (10, 8, 90, 11), (40, 3, 60, 37)])
def test_a_plate_without_a_rim_passes(
    ground: tuple[int, int, int], shape: tuple[int, int, int, int]
) -> None:
    plate = Image.new("RGBA", (100, 40), (*ground, 255))
    plate.paste((255, 255, 255, 255), shape)
    check_new_icon(np.array(plate), "new", [])


def write_icons(folder: Path, pictures: dict[str, Pixels]) -> list[SignClass]:
    for code, picture in pictures.items():
        Image.fromarray(picture).save(folder / f"{code}.png")
    return [
        SignClass(code, k, "rare", (folder / f"{code}.png",), "x", None)
        for k, code in enumerate(pictures)
    ]


def test_all_bad_icons_are_named_at_once(tmp_path: Path) -> None:
    good = {code: _sign(code) for code in ("1.1", "3.1", "5.5", "4.1.1", "4.1.2")}
    check_icons(write_icons(tmp_path, good))
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 4), dtype=np.uint8)
    noise[..., 3] = 255
    bad = {
        **good,
        "white": _over(_sign("3.2"), (255, 255, 255)),
        "photo": noise,
        "same": np.pad(_sign("3.1"), ((9, 9), (30, 2), (0, 0))),
    }
    bad["white"][0, 20] = (200, 0, 0, 255)  # a border that is not flat: nothing is cut
    signs = write_icons(tmp_path, bad)
    with pytest.raises(InputError) as error:
        check_icons(signs)
    first, *lines = str(error.value).splitlines()
    assert first == "3 icons are wrong:"
    wanted = ("'white' has no transparent", "'photo' has no", "'same'")
    for line, words in zip(lines, wanted, strict=True):
        assert words in line
        assert "; " in line, "what to do"


def test_same_pictures_are_found_as_by_comparing_all() -> None:
    random = np.random.default_rng(1)
    base = random.uniform(0, 255, (6, 32, 32, 3))
    looks = {
        f"{k}": base[k % 6] + random.normal(0, 0.3 * (k // 6), base[0].shape) for k in range(24)
    }
    slow = [
        (a, b) for a in looks for b in looks
        if int(a) < int(b) and np.abs(looks[a] - looks[b]).mean() < 0.5
    ]  # fmt: skip
    assert sorted(same_pictures(looks)) == sorted(slow)
    assert slow


def test_a_catalogue_names_all_icons_that_cannot_be_read(tmp_path: Path) -> None:
    write_icons(tmp_path, {"1.1": _sign("1.1")})
    (tmp_path / "1.2.png").write_bytes(b"")
    (tmp_path / "1.3.svg").write_text("<svg/>")
    (tmp_path / "1.4.png").write_bytes((tmp_path / "1.1.png").read_bytes())
    codes = ("1.1", "1.2", "1.3", "1.4")
    with pytest.raises(InputError) as error:
        SignCatalogue.from_icons(tmp_path, dict.fromkeys(codes, "rare"))
    assert str(error.value).startswith("3 icons are wrong:\nicon ")
    assert "the classes '1.1' and '1.4' have the same picture" in str(error.value)
    assert "1.2.png" in str(error.value)
    assert "1.3.svg" in str(error.value)
