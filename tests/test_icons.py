"""Icons are read right, mended with a warning, or refused with a clear message."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

from raresign.errors import InputError
from raresign.signs.icons.icon_file import icon_files, load_icon
from raresign.signs.icons.png_icon import IconWarning, flood_from_border

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {}>{}</svg>'
)


def disc(side: int = 64, fill: tuple[int, ...] = (200, 0, 0, 255)) -> Image.Image:
    picture = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((4, 4, side - 5, side - 5), fill=fill)
    return picture


def opaque_disc(
    background: tuple[int, int, int] = (255, 255, 255), mode: str = "RGB"
) -> Image.Image:
    """A red ring with a field in the colour of the background."""
    picture = Image.new("RGB", (64, 64), background)
    ImageDraw.Draw(picture).ellipse((8, 8, 55, 55), fill=background, outline=(220, 0, 0), width=8)
    return picture.convert(mode)


def saved(folder: Path, picture: Image.Image, name: str = "a.png") -> Path:
    picture.save(folder / name)
    return folder / name


def written(folder: Path, text: str | bytes, name: str = "a.svg") -> Path:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder / name


# --- geometry and alpha ---------------------------------------------------------------------------


def test_trims_the_transparent_border_then_squashes(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (100, 60), (9, 9, 9, 0))
    picture.paste((0, 0, 255, 255), (10, 20, 90, 40))
    path = saved(tmp_path, picture)
    assert load_icon(path).shape == (20, 80, 4)
    icon = load_icon(path, 32)
    assert icon.shape == (32, 32, 4)
    assert icon.dtype == np.uint8
    assert (icon == (0, 0, 255, 255)).all()


def test_faint_pixels_count_as_sign(tmp_path: Path) -> None:
    picture = disc()
    picture.putpixel((0, 0), (255, 0, 0, 1))
    assert load_icon(saved(tmp_path, picture)).shape == (60, 60, 4)


def test_no_colour_where_alpha_is_zero(tmp_path: Path) -> None:
    picture = disc()
    pixels = np.array(picture)
    pixels[pixels[..., 3] == 0, :3] = (0, 255, 0)
    for size in (None, 16, 48, 200):
        icon = load_icon(saved(tmp_path, Image.fromarray(pixels)), size)
        assert (icon[icon[..., 3] == 0] == 0).all()
        assert icon[..., 1].max() <= 2, "the hidden green bled into the sign"


def premultiplied_box(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Mean of premultiplied pixels, divided by the mean alpha: the right way to shrink."""
    rgba = pixels.astype(float)
    rgba[..., :3] *= rgba[..., 3:] / 255
    side = len(pixels) // factor
    mean = rgba.reshape(side, factor, side, factor, 4).mean((1, 3))
    alpha = mean[..., 3:]
    return np.concatenate((mean[..., :3] * 255 / np.maximum(alpha, 1e-9), alpha), 2)


def test_shrinking_is_premultiplied(tmp_path: Path) -> None:
    y, x = np.mgrid[:64, :64]
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = 200, 40, 3 * x
    pixels[..., 3] = np.clip(40 + 3 * y, 0, 255)
    icon = load_icon(saved(tmp_path, Image.fromarray(pixels)), 16)
    assert np.abs(icon[1:-1, 1:-1] - premultiplied_box(pixels, 4)[1:-1, 1:-1]).max() <= 8


@pytest.mark.parametrize("size", [8, 64, 300])
def test_a_full_opaque_square_stays_opaque(tmp_path: Path, size: int) -> None:
    picture = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    picture.paste((0, 80, 220, 255), (5, 5, 35, 35))
    assert (load_icon(saved(tmp_path, picture), size)[..., 3] == 255).all()


# --- modes ----------------------------------------------------------------------------------------


def test_palette_with_transparency(tmp_path: Path) -> None:
    path = saved(tmp_path, disc().quantize(8))
    icon = load_icon(path, 60)
    assert icon[0, 0, 3] == 0
    assert icon[30, 30].tolist() == [200, 0, 0, 255]


def test_grey_with_alpha(tmp_path: Path) -> None:
    icon = load_icon(saved(tmp_path, disc(fill=(90, 90, 90, 255)).convert("LA")), 60)
    assert icon[30, 30].tolist() == [90, 90, 90, 255]


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    pixels = np.zeros((40, 40), np.uint16)
    pixels[8:32, 8:32] = 128 * 257
    with pytest.warns(IconWarning):
        icon = load_icon(saved(tmp_path, Image.fromarray(pixels)), 24)
    assert icon[12, 12].tolist() == [128, 128, 128, 255]


def test_sixteen_bit_grey_keeps_its_transparent_value(tmp_path: Path) -> None:
    pixels = np.full((40, 40), 9, np.uint16)
    pixels[8:32, 8:32] = 128 * 257
    path = tmp_path / "deep.png"
    Image.fromarray(pixels).save(path, transparency=9)
    icon = load_icon(path, 24)
    assert icon[12, 12].tolist() == [128, 128, 128, 255]
    with Image.open(path) as saved_picture:
        assert saved_picture.info["transparency"] == 9


# --- icons without alpha --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA"])
def test_flat_border_becomes_transparent_but_not_the_field(tmp_path: Path, mode: str) -> None:
    path = saved(tmp_path, opaque_disc(mode=mode))
    with pytest.warns(IconWarning, match=r"a\.png.*#ffffff"):
        icon = load_icon(path)
    assert icon.shape == (48, 48, 4)
    assert icon[0, 0, 3] == 0
    assert icon[24, 24].tolist() == [255, 255, 255, 255], "the field inside the ring went, too"
    assert icon[24, 2].tolist() in ([220, 0, 0, 255], [255, 0, 0, 255])  # P: web colours


def test_slightly_noisy_border_is_flat(tmp_path: Path) -> None:
    pixels = np.array(opaque_disc((240, 240, 240))).astype(int)
    noise = np.random.default_rng(0).integers(-8, 9, pixels.shape)
    path = saved(tmp_path, Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8)))
    with pytest.warns(IconWarning):
        assert load_icon(path)[..., 3].mean() < 250


def test_border_that_is_not_flat_is_refused(tmp_path: Path) -> None:
    pixels = np.array(opaque_disc())
    pixels[0, :20] = (0, 90, 0)
    with pytest.raises(InputError, match=r"a\.png has no alpha .* not one flat colour"):
        load_icon(saved(tmp_path, Image.fromarray(pixels)))


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "P"])
def test_a_flat_border_that_is_no_grey_is_the_ground_of_a_plate(tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGBA", (40, 20), (0, 51, 204, 255))
    picture.paste((255, 255, 255, 255), (5, 5, 15, 15))
    picture = picture.convert(mode)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        icon = load_icon(saved(tmp_path, picture))
    assert icon.shape == (20, 40, 4)
    assert (icon[..., 3] == 255).all()


def slow_flood(free: np.ndarray) -> np.ndarray:
    """Breadth-first search, a pixel at a time."""
    height, width = free.shape
    reached = np.zeros_like(free)
    queue = deque(
        (y, x)
        for y in range(height)
        for x in range(width)
        if free[y, x] and (y in (0, height - 1) or x in (0, width - 1))
    )
    while queue:
        y, x = queue.popleft()
        if not (0 <= y < height and 0 <= x < width) or reached[y, x] or not free[y, x]:
            continue
        reached[y, x] = True
        queue.extend([(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)])
    return reached


@settings(max_examples=150, deadline=None)
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)))
def test_flood_is_the_slow_flood(free: np.ndarray) -> None:
    before = free.copy()
    assert np.array_equal(flood_from_border(free), slow_flood(free))
    assert np.array_equal(free, before)


def test_flood_follows_a_spiral() -> None:
    free = np.zeros((21, 21), bool)
    y, x, dy, dx = 0, 0, 0, 1
    free[0, 0] = True
    while True:  # one-pixel corridor that turns right before its own wall
        ahead, beyond = (y + dy, x + dx), (y + 2 * dy, x + 2 * dx)
        if not (0 <= ahead[0] < 21 and 0 <= ahead[1] < 21) or (
            0 <= beyond[0] < 21 and 0 <= beyond[1] < 21 and free[beyond]
        ):
            dy, dx = dx, -dy
            ahead, beyond = (y + dy, x + dx), (y + 2 * dy, x + 2 * dx)
            if free[ahead] or free[beyond]:
                break
        y, x = ahead
        free[y, x] = True
    assert 150 < free.sum() < 300
    assert np.array_equal(flood_from_border(free), free)


# --- rubbish --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "side", "colour", "message"),
    [
        ("RGBA", 1, (255, 0, 0, 128), r"a\.png is 1x1 px"),
        ("RGB", 1, (255, 0, 0), "one flat colour"),
        ("RGB", 64, "white", r"one flat colour \(#ffffff\) and nothing on it"),
        ("RGBA", 64, "white", r"one flat colour \(#ffffff\) and nothing on it"),
        ("RGBA", 64, (255, 0, 0, 0), "fully transparent"),
    ],
)
def test_pictures_without_a_sign(
    tmp_path: Path, mode: str, side: int, colour: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_icon(saved(tmp_path, Image.new(mode, (side, side), colour)))


def test_tiny_sign_on_a_large_canvas(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (50, 50, 57, 90))
    with pytest.raises(InputError, match="7x40 px without its transparent border"):
        load_icon(saved(tmp_path, picture), 64)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    whole = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32, 4), dtype=np.uint8)).save(
        whole, "PNG"
    )
    content = whole.getvalue()
    for length in range(0, len(content) - 40, 97):
        with pytest.raises(InputError, match=r"a\.png"):
            load_icon(written(tmp_path, content[:length], "a.png"))


def test_flipped_byte_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, disc())
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.png is (damaged|no readable)"):
        load_icon(path)


def test_jpeg_in_disguise_other_suffix_folder_and_missing(tmp_path: Path) -> None:
    opaque_disc().save(tmp_path / "a.png", "JPEG")
    with pytest.raises(InputError, match="no readable PNG"):
        load_icon(tmp_path / "a.png")
    with pytest.raises(InputError, match="no PNG, JPEG or SVG"):
        load_icon(saved(tmp_path, opaque_disc(), "a.bmp"))
    (tmp_path / "b.png").mkdir()
    for name, problem in (
        ("b.png", "is a folder; give an icon file"),
        ("missing.svg", "cannot be read"),
    ):
        with pytest.raises(InputError, match=f"{name} {problem}"):
            load_icon(tmp_path / name)
    with pytest.raises(InputError, match="icon size 0"):
        load_icon(saved(tmp_path, disc()), 0)


def test_gigantic_png_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("1", (14_000, 14_000)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=r"a\.png"):
            load_icon(path)


# --- SVG ------------------------------------------------------------------------------------------


def test_svg_fits_trims_and_squashes(tmp_path: Path) -> None:
    inside = '<rect x="10" y="10" width="80" height="20" fill="#0050dc"/>'
    path = written(tmp_path, SVG.format('viewBox="0 0 100 50"', inside))
    icon = load_icon(path)
    assert abs(icon.shape[1] - 4 * icon.shape[0]) <= 4
    assert np.abs(load_icon(path, 64)[4:-4, 4:-4].astype(int) - (0, 80, 220, 255)).max() <= 3


def test_svg_half_transparency_is_straight_alpha(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        SVG.format('viewBox="0 0 9 9"', '<rect width="9" height="9" fill="red" opacity=".5"/>'),
    )
    assert np.abs(load_icon(path, 32)[16, 16].astype(int) - (255, 0, 0, 128)).max() <= 2


def test_svg_is_sharp_at_any_size(tmp_path: Path) -> None:
    path = written(tmp_path, SVG.format('viewBox="0 0 4 4"', '<path d="M0 0H4V4z" fill="red"/>'))
    alpha = load_icon(path, 700)[..., 3]
    assert ((alpha > 10) & (alpha < 245)).mean() < 0.01


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "<svg",
        SVG.format('viewBox="0 0 9 9"', "<circle"),
        "<html><body/></html>",
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><svg>&c;</svg>',
        b"\xff\xfe\x00\x01",
        b"\x89PNG\r\n\x1a\n",
        SVG.format('width="0" height="0"', '<rect width="1" height="1"/>'),
        SVG.format('width="-5" height="5"', '<rect width="1" height="1"/>'),
        "<a>" * 100_000,
        SVG.format('viewBox="0 0 9 9"', ""),  # draws nothing
    ],
)
def test_broken_svg(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(InputError, match=r"a\.svg"):
        load_icon(written(tmp_path, text), 64)


def test_absurd_svgs_end_quickly(tmp_path: Path) -> None:
    rectangle = '<rect width="1000000" height="5" fill="red"/>'
    with pytest.raises(InputError, match="px without its transparent border"):
        load_icon(written(tmp_path, SVG.format('width="1000000" height="5"', rectangle)), 64)
    with pytest.raises(InputError, match="SVG elements"):
        load_icon(written(tmp_path, SVG.format('viewBox="0 0 9 9"', "<g/>" * 60_000)))
    with pytest.raises(InputError, match="SVG of 5"):
        load_icon(written(tmp_path, " " * 5_000_000))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_mangled_svg_gives_an_icon_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = SVG.format(
        'viewBox="0 0 9 9"', '<defs><g id="a"><use href="#a"/></g></defs><path d="M0 0H9V9z"/>'
    ).encode()
    place = data.draw(st.integers(0, len(whole) - 1))
    junk = data.draw(st.binary(max_size=4))
    path = written(tmp_path_factory.getbasetemp(), whole[:place] + junk + whole[place + 2 :])
    with contextlib.suppress(InputError):
        assert load_icon(path, 16).shape == (16, 16, 4)


# --- names ----------------------------------------------------------------------------------------


def test_icons_are_matched_by_exact_name(tmp_path: Path) -> None:
    names = ["1.1.png", "1.10.png", "1.11.1.svg", "1.1@b.png", "1.1@a.SVG", "._1.1.png", "1.1.txt"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "3.1.png").mkdir()
    found = {code: [path.name for path in paths] for code, paths in icon_files(tmp_path).items()}
    assert found == {
        "1.1": ["1.1.png", "1.1@a.SVG", "1.1@b.png"],
        "1.10": ["1.10.png"],
        "1.11.1": ["1.11.1.svg"],
        "._1.1": ["._1.1.png"],
    }


def test_folder_without_icons(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no PNG, JPEG or SVG"):
        icon_files(tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        icon_files(tmp_path / "icons")
