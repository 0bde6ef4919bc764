"""Pictures of crops and icons, and SVG."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fuzzing.kind import Kind, Target, reading, with_field

_SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20">{}</svg>'
_DRAWINGS = (
    '<path d="M10 0L20 10L10 20L0 10z" fill="gold"/>',
    '<defs><g id="a"><rect width="9" height="9"/></g></defs><use href="#a" x="1"/><use href="#a"/>',
    '<style>.a{fill:url(#b)}</style><linearGradient id="b"><stop offset="0" stop-color="red"/>'
    '</linearGradient><circle class="a" cx="10" cy="10" r="9" stroke="#000" stroke-width="2mm"/>',
    '<filter id="f"><feGaussianBlur stdDeviation="1"/></filter><mask id="m"><rect width="20" '
    'height="20" fill="#fff"/></mask><g filter="url(#f)" mask="url(#m)"><rect width="9" height="9"'
    ' transform="rotate(30 5 5)"/></g><pattern id="p" width="2" height="2"><path d="M0 0h1"/>'
    "</pattern>",
    '<image href="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4'
    '2mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==" width="9" height="9"/><title>a</title>',
)


def _pictures(form: str, modes: str, margin: int = 0) -> list[bytes]:
    """Small pictures of a form, in several modes, with a white margin of so many pixels."""
    from PIL import Image, ImageOps

    seeds = []
    for mode in modes.split():
        side = (24, 20) if mode != "1" else (19, 13)
        disc = Image.radial_gradient("L").resize(side)
        picture = ImageOps.expand(disc, margin, 255).convert(mode)
        more: list[dict[str, Any]] = [{}]
        if form in ("JPEG", "PNG", "WEBP", "TIFF"):
            exif = Image.Exif()
            exif[0x0112] = 6
            more.append({"exif": exif})
        if form == "TIFF" and mode == "RGB":
            more += [{"compression": name} for name in ("tiff_lzw", "tiff_deflate", "packbits")]
        if form == "GIF":
            more.append({"save_all": True, "append_images": [picture.rotate(90)]})
        for settings in more:
            file = io.BytesIO()
            picture.save(file, form, **settings)
            seeds.append(file.getvalue())
    return seeds


def png_of(picture: Any) -> bytes:
    """The PNG file of a picture."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _crops(form: str, modes: str, folder: Path) -> Target:
    from raresign.commands.maps.positions import exif_position
    from raresign.crops.decode import UnreadableFile, decode_crop, picture_header

    def read(path: Path) -> object:
        exif_position(path)
        try:
            picture_header(path)
        finally:
            decode_crop(path, (1.0, 1.0, 9.0, 9.0))

    suffix = {"JPEG": "jpg", "PPM": "ppm", "TIFF": "tif"}.get(form, form.lower())
    seeds = _pictures(form, modes)
    if form in ("PNG", "JPEG"):
        seeds = with_field(seeds, f"*.{suffix}", most=12)
    return Target(seeds, reading(folder / f"a.{suffix}", read), (UnreadableFile,))


def _icon(form: str, folder: Path) -> Target:
    from raresign.errors import InputError
    from raresign.signs.icons.icon_file import load_icon

    path = folder / f"3.1.{'png' if form == 'PNG' else 'jpg'}"
    modes = "RGBA P L LA RGB I;16" if form == "PNG" else "RGB L CMYK"
    seeds = _pictures(form, modes, margin=4)
    read: Callable[[Path], object] = partial(load_icon, size=32)
    return Target(with_field(seeds, "icons/*.png", most=8), reading(path, read), (InputError,))


def drawings(texts: bool = False) -> list[bytes]:
    """Small SVG files."""
    seeds = [_SVG.format(drawing).encode() for drawing in _DRAWINGS]
    if texts:
        seeds.append(_SVG.format('<text x="1" y="9">30</text>').encode())
    return with_field(seeds, "*.svg", most=12)


def _svg(folder: Path) -> Target:
    from raresign.errors import InputError
    from raresign.signs.icons.svg_guard import read_svg, svg_bytes

    def read(data: bytes) -> object:
        return svg_bytes(read_svg(data, "icon a.svg", text=len(data) % 2 == 0))

    entity = b'<!DOCTYPE svg [<!ENTITY ns "http://a">]>' + _SVG.format("<g a='&ns;'/>").encode()
    return Target([*drawings(True), entity], read, (InputError,), ("lines",))


def _drawn_svg(folder: Path) -> Target:
    from raresign.errors import InputError
    from raresign.signs.icons.icon_file import load_icon

    read = reading(folder / "3.1.svg", partial(load_icon, size=24))
    return Target(drawings(), read, (InputError,), ("lines",))


def _template(folder: Path) -> Target:
    """An SVG with a slot for the value of a class."""
    from raresign.errors import InputError
    from raresign.signs.countries.registry import standard
    from raresign.signs.icons.templates import read_icon_svg

    seeds = [standard("gost").svg(code).encode() for code in ("3.24.n40", "1.22", "2.5")]
    slot = _SVG.format('<rect id="slot-value" data-slot="value" width="9" height="9"/>').encode()
    read = reading(folder / "3.24.svg", lambda path: read_icon_svg(path, "3.24.n40"))
    return Target([*seeds, slot], read, (InputError,), ("lines",))


_PLUGINS = ("PIL.{0}ImagePlugin", "PIL.ImageFile", "raresign.crops.decode")

KINDS = [
    *(
        Kind(
            f"crop {form}",
            inputs,
            partial(_crops, form, modes),
            tuple(name.format(plugin) for name in _PLUGINS) if plugin else (),
        )
        for form, inputs, modes, plugin in (
            ("PNG", 6_000, "RGB RGBA L LA P 1 I;16", "Png"),
            ("JPEG", 3_000, "RGB L CMYK", ""),
            ("WEBP", 8_000, "RGB RGBA", ""),
            ("BMP", 6_000, "RGB L P 1", ""),
            ("PPM", 8_000, "RGB L 1", "Ppm"),
            ("GIF", 3_000, "P L", ""),
            ("TIFF", 2_000, "RGB L 1 P CMYK RGBA I;16 F", ""),
            ("AVIF", 1_000, "RGB RGBA", ""),
        )
    ),
    Kind("icon PNG", 4_000, partial(_icon, "PNG")),
    Kind("icon JPEG", 3_000, partial(_icon, "JPEG")),
    Kind("icon SVG, read", 290_000, _svg, ("raresign.signs.icons",)),
    Kind("icon SVG, drawn", 2_000, _drawn_svg),
    Kind("icon SVG with slots", 3_000, _template),
]
