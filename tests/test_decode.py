"""Decoding: every kind of picture file gives the right pixels, all rubbish a reason."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from raresign.crops.backgrounds import load_backgrounds
from raresign.crops.decode import UnreadableFile, decode_crop, decode_picture, picture_header
from raresign.crops.layouts.upright import upright_boxes
from raresign.errors import InputError
from raresign.framing.framed_picture import framed

RANDOM = np.random.default_rng(5)
RGB = RANDOM.integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREY = RGB[..., 0]


def decoded(path: Path) -> np.ndarray:
    picture = decode_crop(path)
    assert picture.mode == "RGB"
    return np.asarray(picture).astype(int)


def on_grey(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Straight alpha over mid grey, by the formula."""
    share = alpha[..., None].astype(float) / 255
    return colour * share + 128 * (1 - share)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_by_hand(width: int, height: int, depth: int, colour: int, rows: list[bytes]) -> bytes:
    """A PNG of kinds that Pillow cannot write (16-bit RGB, RGBA, grey + alpha)."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)


@pytest.mark.parametrize("suffix", ["png", "ppm", "bmp", "webp"])
def test_lossless_rgb_is_exact(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(RGB).save(tmp_path / f"a.{suffix}", **options)
    np.testing.assert_array_equal(decoded(tmp_path / f"a.{suffix}"), RGB)


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_lossy_rgb_is_close(tmp_path: Path, suffix: str) -> None:
    smooth = np.asarray(Image.fromarray(RGB).resize((64, 48), Image.Resampling.BICUBIC))
    Image.fromarray(smooth).save(tmp_path / f"a.{suffix}", quality=95)
    assert np.abs(decoded(tmp_path / f"a.{suffix}") - smooth).mean() < 4


@pytest.mark.parametrize("suffix", ["png", "pgm", "bmp", "jpg"])
def test_grey_becomes_three_equal_channels(tmp_path: Path, suffix: str) -> None:
    flat = np.full((8, 8), 77, np.uint8) if suffix == "jpg" else GREY
    Image.fromarray(flat).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(decoded(tmp_path / f"a.{suffix}"), np.stack([flat] * 3, 2))


@pytest.mark.parametrize("suffix", ["png", "pbm", "bmp"])
def test_one_bit(tmp_path: Path, suffix: str) -> None:
    bits = GREY > 127
    Image.fromarray(bits).save(tmp_path / f"a.{suffix}")
    expected = np.stack([bits * 255] * 3, 2)
    np.testing.assert_array_equal(decoded(tmp_path / f"a.{suffix}"), expected)


@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_palette(tmp_path: Path, suffix: str) -> None:
    numbers = GREY % 4
    palette = RANDOM.integers(0, 256, (4, 3), dtype=np.uint8)
    picture = Image.fromarray(numbers, "L")
    picture.putpalette(palette.tobytes())
    assert picture.mode == "P"
    picture.save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(decoded(tmp_path / f"a.{suffix}"), palette[numbers])


def test_transparent_palette_lies_on_mid_grey(tmp_path: Path) -> None:
    numbers = GREY % 4
    palette = RANDOM.integers(0, 256, (4, 3), dtype=np.uint8)
    alphas = np.array([0, 100, 255, 255], np.uint8)
    picture = Image.fromarray(numbers, "L")
    picture.putpalette(palette.tobytes())
    picture.save(tmp_path / "a.png", transparency=alphas.tobytes())
    expected = on_grey(palette[numbers].astype(float), alphas[numbers])
    np.testing.assert_allclose(decoded(tmp_path / "a.png"), expected, atol=1)


def test_transparent_colour_of_rgb_lies_on_mid_grey(tmp_path: Path) -> None:
    pixels = RGB.copy()
    pixels[2, 3] = (9, 8, 7)
    Image.fromarray(pixels).save(tmp_path / "a.png", transparency=(9, 8, 7))
    expected = pixels.astype(int)
    expected[2, 3] = 128
    np.testing.assert_array_equal(decoded(tmp_path / "a.png"), expected)


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_rgba_lies_on_mid_grey(tmp_path: Path, suffix: str) -> None:
    rgba = np.dstack([RGB, RANDOM.integers(0, 256, (6, 9), dtype=np.uint8)])
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    Image.fromarray(rgba).save(tmp_path / f"a.{suffix}", **options)
    expected = on_grey(RGB.astype(float), rgba[..., 3])
    np.testing.assert_allclose(decoded(tmp_path / f"a.{suffix}"), expected, atol=1)


def test_grey_with_alpha_lies_on_mid_grey(tmp_path: Path) -> None:
    alpha = RGB[..., 1]
    Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(alpha)]).save(tmp_path / "a.png")
    expected = on_grey(np.stack([GREY] * 3, 2).astype(float), alpha)
    np.testing.assert_allclose(decoded(tmp_path / "a.png"), expected, atol=1)


@pytest.mark.parametrize("suffix", ["png", "pgm"])
def test_sixteen_bit_grey_keeps_its_range(tmp_path: Path, suffix: str) -> None:
    deep = np.array([[0, 255, 256, 0x1234], [0x7FFF, 0x8000, 0xFF00, 0xFFFF]], np.uint16)
    if suffix == "pgm":
        (tmp_path / "a.pgm").write_bytes(b"P5 4 2 65535\n" + deep.astype(">u2").tobytes())
    else:
        Image.fromarray(deep).save(tmp_path / "a.png")
    np.testing.assert_array_equal(decoded(tmp_path / f"a.{suffix}"), np.stack([deep >> 8] * 3, 2))


@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (6, 4), (4, 2)])
def test_sixteen_bit_colour_png(tmp_path: Path, colour: int, channels: int) -> None:
    deep = RANDOM.integers(0, 1 << 16, (6, 9, channels)).astype(np.uint16)
    if channels != 3:
        deep[..., -1] = 0xFFFF
    rows = [row.astype(">u2").tobytes() for row in deep]
    (tmp_path / "a.png").write_bytes(png_by_hand(9, 6, 16, colour, rows))
    expected = deep[..., :3] >> 8 if channels > 2 else np.stack([deep[..., 0] >> 8] * 3, 2)
    np.testing.assert_allclose(decoded(tmp_path / "a.png"), expected, atol=1)


def test_sixteen_bit_ppm(tmp_path: Path) -> None:
    deep = RANDOM.integers(0, 1 << 16, (6, 9, 3)).astype(">u2")
    (tmp_path / "a.ppm").write_bytes(b"P6 9 6 65535\n" + deep.tobytes())
    np.testing.assert_allclose(decoded(tmp_path / "a.ppm"), deep >> 8, atol=1)


def test_cmyk_jpeg(tmp_path: Path) -> None:
    inks = (0, 200, 255, 30)
    Image.new("CMYK", (16, 16), inks).save(tmp_path / "a.jpg", quality=98)
    expected = [(255 - ink) * (255 - inks[3]) / 255 for ink in inks[:3]]
    np.testing.assert_allclose(decoded(tmp_path / "a.jpg")[8, 8], expected, atol=4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, suffix: str) -> None:
    # EXIF names where row 0 and column 0 of the stored picture lie in the upright one.
    to_stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],  # top, right
        3: lambda a: a[::-1, ::-1],  # bottom, right
        4: lambda a: a[::-1],  # bottom, left
        5: lambda a: a.swapaxes(0, 1),  # left, top
        6: lambda a: a.swapaxes(0, 1)[::-1],  # right, top
        7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],  # right, bottom
        8: lambda a: a.swapaxes(0, 1)[:, ::-1],  # left, bottom
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    stored = np.ascontiguousarray(to_stored(RGB))
    Image.fromarray(stored).save(path, exif=exif.tobytes(), **options)
    np.testing.assert_array_equal(decoded(path), RGB)
    assert picture_header(path) == (stored.shape[1], stored.shape[0], orientation)
    boxes = upright_boxes(np.array([[0.0, 0, 2, 1]]), stored.shape[1::-1], orientation)
    cut = np.asarray(decode_crop(path, boxes[0])).reshape(-1, 3)
    assert sorted(cut.tolist()) == sorted(stored[0, :2].tolist())
    np.testing.assert_array_equal(np.asarray(decode_crop(path, (2, 1, 7, 4))), RGB[1:4, 2:7])


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_rubbish_in_the_exif_block_is_no_matter(tmp_path: Path) -> None:
    picture = Image.new("RGB", (16, 8), (10, 20, 30))
    for number, exif in enumerate((b"Exif\0\0rubbish", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"x")):
        picture.save(tmp_path / f"{number}.jpg", exif=exif)
        assert decoded(tmp_path / f"{number}.jpg").shape == (8, 16, 3)


def test_boxes_are_clipped_and_nan_means_all(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(RGB).save(path)
    cut = decode_crop(path, (-3.0, 1.5, 4.2, 99.0))
    np.testing.assert_array_equal(np.asarray(cut), RGB[1:, :5])
    assert decode_crop(path, np.full(4, np.nan)).size == (9, 6)
    with pytest.raises(UnreadableFile, match=r"box \(9, 0, 12, 6\) lies outside .* 9 x 6 pixels"):
        decode_crop(path, (9, 0, 12, 6))


def encoded(suffix: str) -> bytes:
    stream = io.BytesIO()
    smooth = Image.fromarray(RGB).resize((40, 30))
    smooth.save(stream, {"jpg": "JPEG", "ppm": "PPM"}.get(suffix, suffix.upper()))
    return stream.getvalue()


@pytest.mark.parametrize("suffix", ["png", "jpg", "ppm", "bmp", "webp"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_truncated_files_are_unreadable(tmp_path: Path, suffix: str, share: float) -> None:
    data = encoded(suffix)
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UnreadableFile) as caught:
        decode_crop(path)
    assert caught.value.path == path
    assert "BytesIO" not in caught.value.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"this is a text file", "no PNG, JPEG, PPM, WebP, BMP, TIFF, GIF or AVIF"),
        (b"P6 0 5 255\n", "no PNG|broken"),
        (b"PF 1 1 -1.0\n" + bytes(12), "broken|no PNG"),
        (b"Pf 1 1 -1.0\n" + bytes(4), "floating-point|no PNG"),
        (png_by_hand(9000, 9000, 8, 0, []), "81.?000.?000|9000 x 9000 pixels are more"),
        (png_by_hand(60000, 60000, 1, 0, []), "bomb|more than"),
    ],
)
def test_rubbish_has_a_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnreadableFile, match=reason):
        decode_crop(tmp_path / "a.png")
    if b"Pf" not in content:
        with pytest.raises(UnreadableFile, match=reason):
            picture_header(tmp_path / "a.png")


def test_missing_files_and_folders_have_a_reason(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="No such file or directory"):
        decode_crop(tmp_path / "gone.png")
    with pytest.raises(UnreadableFile, match="Is a directory"):
        decode_crop(tmp_path)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["png", "jpg", "ppm", "bmp", "webp"]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_damaged_bytes_give_a_picture_or_a_reason(
    suffix: str, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(encoded(suffix))
    for place, value in changes:
        data[place % len(data)] = value
    try:
        assert decode_picture(bytes(data), "a").mode == "RGB"
    except UnreadableFile as error:
        assert error.reason  # noqa: PT017 (both outcomes are right)


def test_squash_keeps_corners_and_does_not_alias() -> None:
    stripes = np.zeros((96, 32, 3), np.uint8)
    stripes[::2] = 255  # finer than any pixel of the result: must become flat grey
    small = framed(Image.fromarray(stripes), 24)
    assert small.shape == (3, 24, 24)
    assert small.dtype == np.uint8
    assert np.abs(small[:, 3:-3].astype(int) - 127).max() <= 2
    quarters = np.zeros((10, 20, 3), np.uint8)
    quarters[:5, :10], quarters[5:, 10:] = (255, 0, 0), (0, 0, 255)
    large = framed(Image.fromarray(quarters), 64)
    assert large[:, 0, 0].tolist() == [255, 0, 0]
    assert large[:, -1, -1].tolist() == [0, 0, 255]
    assert large[:, 0, -1].tolist() == [0, 0, 0]
    same = Image.fromarray(RGB[:6, :6])
    np.testing.assert_array_equal(framed(same, 6), RGB[:6, :6].transpose(2, 0, 1))


def test_squash_of_one_pixel() -> None:
    assert (framed(Image.new("RGB", (1, 1), (7, 8, 9)), 32)[1] == 8).all()


def test_backgrounds_keep_their_aspect(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, size in (("b.jpg", (400, 300)), ("a.png", (50, 200)), ("sub/c.png", (100, 1000))):
        Image.new("RGB", size, (1, 2, 3)).save(tmp_path / name)
    photos = load_backgrounds(tmp_path, max_side=200)
    assert [photo.shape for photo in photos] == [(200, 50, 3), (150, 200, 3), (200, 20, 3)]
    assert all(photo.dtype == np.uint8 for photo in photos)


def test_backgrounds_that_do_not_serve(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        load_backgrounds(tmp_path / "gone")
    with pytest.raises(InputError, match="holds no usable photo; put"):
        load_backgrounds(tmp_path)
    Image.new("RGB", (15, 100)).save(tmp_path / "small.png")
    Image.new("RGB", (40, 4000)).save(tmp_path / "strip.png")
    (tmp_path / "text.jpg").write_text("text")
    with pytest.raises(InputError, match=r"small\.png \(15 x 100 pixels is too small\), strip"):
        load_backgrounds(tmp_path)
    Image.new("RGB", (16, 16)).save(tmp_path / "z.png")
    with pytest.warns(UserWarning, match="3 photos are skipped"):
        assert len(load_backgrounds(tmp_path)) == 1
    with pytest.raises(InputError, match="max_side 8"):
        load_backgrounds(tmp_path, max_side=8)


def test_copies_with_converted_line_ends_are_refused(tmp_path: Path) -> None:
    """A PPM copied as text is read askew by every decoder: all colours rotate."""
    pixels = RANDOM.integers(0, 256, (40, 30, 3), dtype=np.uint8)
    for name, kind in (("a.ppm", "PPM"), ("a.pgm", "PPM"), ("a.bmp", "BMP"), ("a.jpg", "JPEG")):
        path = tmp_path / name
        picture = Image.fromarray(pixels)
        (picture.convert("L") if name == "a.pgm" else picture).save(path, kind)
        whole = path.read_bytes()
        assert decode_crop(path).size == (30, 40)
        assert whole.count(b"\n") > 3
        path.write_bytes(whole.replace(b"\n", b"\r\n"))
        with pytest.raises(UnreadableFile, match=r"line ends were converted|broken|header"):
            decode_crop(path)
        if kind != "JPEG":
            path.write_bytes(whole + b"\n")
            with pytest.raises(UnreadableFile, match=r"its header says|damaged"):
                decode_crop(path)
    deep = np.arange(12, dtype=">u2").reshape(3, 4)
    (tmp_path / "d.pgm").write_bytes(b"P5\n# a comment\n4 3\n65535\n" + deep.tobytes())
    assert decode_crop(tmp_path / "d.pgm").size == (4, 3)
    (tmp_path / "d.pbm").write_bytes(b"P4\n9 2\n" + bytes(4))
    assert decode_crop(tmp_path / "d.pbm").size == (9, 2)
    (tmp_path / "d.ppm").write_bytes(b"P6\n4 3\n255\n" + bytes(35))
    with pytest.raises(UnreadableFile, match="35 bytes, its header says 36"):
        decode_crop(tmp_path / "d.ppm")


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "AVIF"])
def test_rarer_formats_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.x"
    Image.new("RGB", (16, 8), (200, 30, 30)).save(path, kind)
    assert np.abs(np.asarray(decode_crop(path)).astype(int) - (200, 30, 30)).max() < 12
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(UnreadableFile, match="heic pictures cannot be read; convert them"):
        decode_crop(tmp_path / "a.heic")
