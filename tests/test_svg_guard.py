"""An SVG of unknown origin gives a picture or one clear message, soon, and reaches nothing else."""

from __future__ import annotations

import base64
import io
import os
import random
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raresign.errors import InputError
from raresign.signs.icons import svg_renderer
from raresign.signs.icons.icon_file import load_icon
from raresign.signs.icons.svg_guard import read_svg, svg_bytes

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'viewBox="0 0 100 100">'
)
RED = '<rect width="50" height="50" fill="red"/>'
SECONDS = 5.0


def svg(inside: str) -> str:
    return f"{HEAD}{inside}</svg>"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "a.svg"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def zigzag(points: int) -> str:
    rng = random.Random(0)
    return "M0 0" + "".join(
        f"L{rng.random() * 100:.1f} {rng.random() * 100:.1f}" for _ in range(points)
    )


def uses(levels: int, each: int) -> str:
    text = '<defs><rect id="u0" width="9" height="9"/>'
    for level in range(1, levels):
        text += f'<g id="u{level}">' + f'<use href="#u{level - 1}"/>' * each + "</g>"
    return svg(f'{text}</defs><use href="#u{levels - 1}"/>')


def filtered(effects: str, region: str = "") -> str:
    return svg(f'<filter id="f" {region}>{effects}</filter><g filter="url(#f)">{RED}</g>')


def patterns(levels: int, each: int) -> str:
    text = "".join(
        f'<pattern id="p{level}" width="9" height="9" patternUnits="userSpaceOnUse">'
        + f'<rect width="9" height="9" fill="url(#p{level + 1})"/>' * each
        + "</pattern>"
        for level in range(levels)
    )
    return svg(f'{text}<rect width="90" height="90" fill="url(#p0)"/>')


def png_uri(side: int) -> str:
    content = io.BytesIO()
    Image.new("1", (side, side)).save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


ENTITIES = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
NESTED = base64.b64encode(uses(9, 10).encode()).decode()

REFUSED: dict[str, tuple[str, str]] = {
    # scripts
    "script": (svg(f"<script>alert(1)</script>{RED}"), "holds a <script>"),
    "script of another name": (
        svg(f'<x:script xmlns:x="http://www.w3.org/2000/svg">1</x:script>{RED}'),
        "holds a <script>",
    ),
    "html script": (
        svg(f'<script xmlns="http://www.w3.org/1999/xhtml">1</script>{RED}'),
        "holds a <script>",
    ),
    "onload": (HEAD.replace(">", ' onload="alert(1)">') + "</svg>", "script attribute 'onload'"),
    "onclick": (svg('<rect onClick="alert(1)" width="9" height="9"/>'), "attribute 'onClick'"),
    "javascript link": (svg(f'<a href=" java&#10;script:alert(1)">{RED}</a>'), "script as link"),
    "javascript xlink": (svg(f'<a xlink:href="JavaScript:alert(1)">{RED}</a>'), "script as link"),
    # entities
    "billion laughs": (
        f'<!DOCTYPE svg [<!ENTITY e0 "ha">{ENTITIES}]>{svg("<desc>&e11;</desc>")}',
        "defines entities",
    ),
    "file entity": (
        f'<!DOCTYPE svg [<!ENTITY e SYSTEM "file:///etc/passwd">]>{svg("<desc>&e;</desc>")}',
        "defines entities",
    ),
    "parameter entity": (
        f'<!DOCTYPE svg [<!ENTITY % e SYSTEM "http://127.0.0.1:9/x.dtd"> %e;]>{svg(RED)}',
        "defines entities",
    ),
    # references outside
    "image file": (svg('<image width="9" height="9" href="secret.png"/>'), "another file"),
    "image path": (svg('<image width="9" height="9" xlink:href="/etc/x.png"/>'), "another file"),
    "image http": (svg('<image width="9" height="9" href="http://127.0.0.1:9/"/>'), "another file"),
    "image file uri": (svg('<image width="9" height="9" href="file:///x.png"/>'), "another file"),
    "use file": (svg('<use href="other.svg#a"/>'), "another file"),
    "feImage": (filtered('<feImage href="secret.png"/>'), "another file"),
    "gradient file": (svg('<linearGradient href="o.svg#a"/>'), "another file"),
    "fill url": (svg('<rect width="9" height="9" fill="url(http://a/b#c)"/>'), "another file"),
    "style url": (
        svg('<rect width="9" height="9" style="fill:URL( \'file:///x#c\' )"/>'),
        "another file",
    ),
    "escaped url": (
        svg('<rect width="9" height="9" style="fill:\\75 r\\6c(http://a/b)"/>'),
        "another file",
    ),
    "style sheet url": (
        svg(f"<style>@font-face{{src:url(https://a/b.woff)}}</style>{RED}"),
        "another file",
    ),
    "import": (svg(f'<style>@import "http://a/b.css";</style>{RED}'), "imports a style sheet"),
    "hidden import": (
        svg(f'<style><![CDATA[@/**/\\69mport "b.css";]]></style>{RED}'),
        "imports a style sheet",
    ),
    "import beside an element": (
        svg(f"<style>@import url(http://a/b.css); rect{{fill:url(file:///x)}}<g/></style>{RED}"),
        "holds a <g> inside its <style>",
    ),
    "xml-stylesheet": (f'<?xml-stylesheet href="b.css"?>{svg(RED)}', "style sheet outside"),
    "svg in data uri": (
        svg(f'<image width="9" height="9" href="data:image/svg+xml;base64,{NESTED}"/>'),
        "embeds 'data:image/svg",
    ),
    "text": (svg("<text>7</text>"), "text that needs a font"),
    "text in parts": (svg("<text> <tspan> <tspan>7</tspan></tspan></text>"), "needs a font"),
    "flowed text": (
        svg("<flowRoot><flowRegion><rect/></flowRegion><flowPara>STOP</flowPara></flowRoot>"),
        "text that needs a font .<flowRoot>",
    ),
    "words in HTML": (
        svg('<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">STOP</p></foreignObject>'),
        "text that needs a font .<foreignObject>",
    ),
    "picture in HTML": (
        svg(
            '<foreignObject width="9" height="9"><body xmlns="http://www.w3.org/1999/xhtml" '
            f'onload="x()"><img src="http://a/b"/></body></foreignObject>{RED}'
        ),
        "text that needs a font .<foreignObject>",
    ),
    "long entity": (
        f'<!DOCTYPE svg [<!ENTITY e "{"x" * 300}">]>{svg(RED)}',
        "defines entities",
    ),
    "many entities": (
        "<!DOCTYPE svg [" + "".join(f'<!ENTITY e{k} "x">' for k in range(101)) + "]>" + svg(RED),
        "more than 100 entities",
    ),
    "undefined entity": (
        f'<!DOCTYPE svg SYSTEM "a.dtd" [<!ENTITY a "b">]>{svg(f"<g>&gone;</g>{RED}")}',
        "'&gone;', which it does not define",
    ),
    # size
    "many uses": (uses(9, 10), "elements once its uses are drawn out"),
    "a billion uses": (uses(10, 8), "elements once its uses are drawn out"),
    "long chain of uses": (uses(2000, 1), "nests deeper than 100 levels by its uses"),
    "circle": (svg('<g id="a"><use href="#a"/></g>'), "in a circle"),
    "wide circle": (
        svg('<g id="a"><use href="#b"/></g><g id="b"><use xlink:href="#a"/></g>'),
        "in a circle",
    ),
    "circle of masks": (
        svg(f'<mask id="a"><g style="mask:url(#a)">{RED}</g></mask><g mask="url(#a)">{RED}</g>'),
        "in a circle",
    ),
    "nested patterns": (patterns(8, 10), "elements once its uses are drawn out"),
    "deep": (svg("<g>" * 5000 + "</g>" * 5000), "deeper than 100"),
    "deep foreign": (svg("<x:g xmlns:x='x'>" * 5000 + "</x:g>" * 5000), "deeper than 100"),
    "deep opacity": (svg('<g opacity=".9">' * 300 + RED + "</g>" * 300), "deeper than 100"),
    "many elements": (svg("<g/>" * 60_000), "50000 SVG elements"),
    "many attributes": (
        svg("<rect " + " ".join(f'a{i}="1"' for i in range(50_000)) + "/>"),
        "50000 attributes",
    ),
    "five megabytes": (" " * 5_000_000, "SVG of 5000000 bytes"),
    "no size": (svg(RED).replace('viewBox="0 0 100 100"', 'width="0" height="9"'), "broken SVG"),
    "no namespace": ("<svg><rect/></svg>", "root is <svg>"),
    # memory
    "pattern of great size": (
        svg(
            '<pattern id="p" width="1e6" height="1e6" patternUnits="userSpaceOnUse">'
            '<rect width="1e6" height="1e6"/></pattern><rect width="9" height="9" fill="url(#p)"/>'
        ),
        "crashes the renderer",
    ),
}

SLOW: dict[str, tuple[str, str]] = {
    "many large circles": (
        svg('<circle r="50" cx="50" cy="50"/>' * 20_000),
        "takes more than 0.3 s",
    ),
    "huge circles": (
        svg('<circle r="1e8" cx="50" cy="50" stroke-width="1e7" stroke="red"/>' * 100),
        "takes more than 0.3 s",
    ),
    "giant path": (svg(f'<path d="{zigzag(200_000)}"/>'), "takes more than 0.3 s"),
    "giant stroke": (
        svg(f'<path d="{zigzag(100_000)}" fill="none" stroke="red" stroke-linejoin="round"/>'),
        "takes more than 0.3 s",
    ),
    "turbulence": (
        filtered('<feTurbulence baseFrequency="10" numOctaves="1000000"/>'),
        "takes more than 0.3 s",
    ),
    "morphology": (filtered('<feMorphology radius="100000"/>'), "takes more than 0.3 s"),
    "shadows of great size": (
        svg(
            '<filter id="f" x="-500" y="-500" width="10000" height="10000" '
            'filterUnits="userSpaceOnUse"><feDropShadow stdDeviation="3"/></filter>'
            + f'<g filter="url(#f)">{RED}</g>'
            * 200
        ),
        "takes more than 0.3 s",
    ),
    "patterns by style sheet": (
        svg(
            "<style>"
            + "".join(f".r{i}{{fill:url(#p{i})}}" for i in range(8))
            + "</style>"
            + "".join(
                f'<pattern id="p{i}" width="9" height="9" patternUnits="userSpaceOnUse">'
                + f'<rect width="9" height="9" class="r{i + 1}"/>' * 10
                + "</pattern>"
                for i in range(8)
            )
            + '<rect width="90" height="90" class="r0"/>'
        ),
        "takes more than 0.3 s",
    ),
}

HARMLESS: dict[str, str] = {
    "doctype": '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://127.0.0.1:9/svg11.dtd">'
    + svg(RED),
    "what Illustrator writes": (
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://127.0.0.1:9/svg11.dtd" ['
        '<!ENTITY ns_svg "http://www.w3.org/2000/svg"><!ENTITY ns_ai "http://ns.adobe.com/ai/">'
        '<!ENTITY red "fill:#ff0000">]>'
        '<svg xmlns="&ns_svg;" xmlns:i="&ns_ai;" viewBox="0 0 100 100"><switch>'
        '<foreignObject requiredExtensions="&ns_ai;" width="1" height="1"><i:pgfRef/>data'
        '</foreignObject><g><rect width="50" height="50" style="&red;"/></g></switch></svg>'
    ),
    "blank text": svg(f"<text/><text x='4'> <tspan>\n</tspan></text>{RED}"),
    "blank flowed text": svg(f"<flowRoot><flowPara> </flowPara></flowRoot>{RED}"),
    "empty foreign object": svg(f"<foreignObject width='9' height='9'/>{RED}"),
    "editor data": svg(
        '<metadata><a href="http://a"/></metadata><s:namedview xmlns:s="s" s:x="y"/>' + RED
    ),
    "link": svg(f'<a xlink:href="https://example.org">{RED}</a>'),
    "uses": svg(f'<defs><g id="r">{RED}</g></defs><use xlink:href="#r"/>'),
    "style": svg('<style>/*( @ */.a{fill:red}</style><rect class="a" width="50" height="50"/>'),
    "same gradient often": svg(
        '<linearGradient id="g">'
        + '<stop stop-color="red"/>' * 100
        + "</linearGradient>"
        + '<rect width="50" height="50" fill="url(#g)"/>' * 600
    ),
    "huge blur": filtered('<feGaussianBlur stdDeviation="1e9" x="0"/><feFlood flood-color="red"/>'),
    "picture": svg(
        '<image width="50" height="50" href="data:image/png;base64,'
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
        '"/>'
    ),
    "utf-16": svg(RED),
}


@pytest.mark.parametrize("name", [*REFUSED, *SLOW])
def test_attack_is_refused_soon_with_one_message(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, message = (REFUSED | SLOW)[name]
    monkeypatch.setattr(svg_renderer, "MAX_SECONDS", 0.3)  # a second each would take long
    Image.new("RGB", (20, 20), "red").save(tmp_path / "secret.png")
    path = written(tmp_path, text)
    start = time.perf_counter()
    with pytest.raises(InputError, match=message) as caught:
        load_icon(path, 128)
    assert time.perf_counter() - start < SECONDS
    assert f"icon {path}" in str(caught.value)
    assert len(str(caught.value)) < 250 + len(str(path))
    assert caught.value.hint


def test_the_limit_is_one_second_of_processor_time(tmp_path: Path) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError, match="takes more than 1 s to draw"):
        load_icon(written(tmp_path, SLOW["giant path"][0]), 128)
    assert 0.9 < time.perf_counter() - start < 2 * SECONDS  # waiting for a busy machine is free


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_svg_is_drawn(tmp_path: Path, name: str) -> None:
    text = HARMLESS[name]
    path = written(tmp_path, text.encode("utf-16") if name == "utf-16" else text)
    icon = load_icon(path, 32)
    assert icon[16, 16].tolist() == [255, 0, 0, 255]


@pytest.mark.parametrize(
    ("unit", "pixels"),
    [("mm", 96 / 25.4), ("cm", 96 / 2.54), ("in", 96), ("pt", 4 / 3), ("pc", 16)],
)
def test_lengths_have_units(tmp_path: Path, unit: str, pixels: float) -> None:
    """A root in millimetres, and a ring whose stroke is given in points: CSS has 96 px an inch."""

    def ring(root: str, width: str) -> np.ndarray:
        return load_icon(
            written(
                tmp_path,
                f'<svg xmlns="http://www.w3.org/2000/svg" {root}><circle cx="50%" cy="50%" r="40%" '
                f'fill="#fff" stroke="#f00" stroke-width="{width}"/></svg>',
            ),
            64,
        )

    side = 600 / pixels
    given = ring(f'width="{side}{unit}" height="{side}{unit}"', f"{side / 10}{unit}")
    wanted = ring('width="600" height="600"', "60")
    assert given[32, 3, :3].tolist() == [255, 0, 0], "the ring"
    assert np.abs(given.astype(int) - wanted).mean() < 1
    boxed = ring(f'width="{side}{unit}" height="{side}{unit}" viewBox="0 0 600 600"', "60")
    assert np.abs(boxed.astype(int) - wanted).mean() < 1


@pytest.mark.parametrize(
    "size",
    [
        'viewBox="0 0 1e30 1e30"',
        'viewBox="0 0 1e-30 1e-30"',
        'width="1e9" height="1e9"',
        'width="NaN" height="inf" viewBox="0 0 nan 1"',
        'width="1e9mm" height="1"',
        'viewBox="-1e38 -1e38 1e38 1e38"',
    ],
)
def test_absurd_sizes_give_a_picture_or_a_message(tmp_path: Path, size: str) -> None:
    start = time.perf_counter()
    try:
        icon = load_icon(
            written(tmp_path, HEAD.replace('viewBox="0 0 100 100"', size) + RED + "</svg>"), 32
        )
        assert icon.shape == (32, 32, 4)
    except InputError:
        pass
    assert time.perf_counter() - start < SECONDS


def test_large_embedded_picture_ends(tmp_path: Path) -> None:
    path = written(tmp_path, svg(f'<image width="9" height="9" href="{png_uri(20_000)}"/>{RED}'))
    start = time.perf_counter()
    with pytest.raises(InputError, match=r"crashes the renderer|takes more"):
        load_icon(path, 64)
    assert time.perf_counter() - start < SECONDS


def test_renderer_opens_no_file_even_unguarded(tmp_path: Path) -> None:
    """The second wall: were the guard to overlook a reference, the process could not follow it."""
    Image.new("RGB", (20, 20), "red").save(tmp_path / "secret.png")
    inside = f'{RED}<image x="50" y="50" width="50" height="50" href="{tmp_path}/secret.png"/>'
    picture = svg_renderer.draw_svg(svg(inside).encode(), 64, "a")
    assert picture.getpixel((16, 16)) == (255, 0, 0, 255)
    assert picture.getpixel((48, 48)) == (0, 0, 0, 0)


def test_a_crash_harms_no_later_drawing(tmp_path: Path) -> None:
    bad = REFUSED["pattern of great size"][0]
    for _ in range(2):
        with pytest.raises(InputError):
            load_icon(written(tmp_path, bad), 32)
        assert load_icon(written(tmp_path, svg(RED)), 32)[..., 3].all()


def test_threads_draw_each_their_own(tmp_path: Path) -> None:
    def draw(level: int) -> int:
        text = svg(f'<rect width="50" height="50" fill="rgb({level},0,0)"/>')
        return svg_renderer.draw_svg(text.encode(), 32, "a").getpixel((4, 4))[0]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(draw, range(60))) == list(range(60))


def test_a_forked_process_draws_by_itself(tmp_path: Path) -> None:
    load_icon(written(tmp_path, svg(RED)), 32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads of others
        child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if load_icon(tmp_path / "a.svg", 32)[..., 3].all() else 2
        finally:
            os._exit(code)
    assert load_icon(tmp_path / "a.svg", 32)[..., 3].all()
    assert os.waitpid(child, 0)[1] == 0


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    path = written(tmp_path, svg(RED))
    program = (
        "import sys, raresign as c; from raresign.signs.icons import svg_renderer as r; "
        f"c.load_icon({str(path)!r}, 32); print(r._resting[False][0]._process.pid)"
    )
    pid = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "RARESIGN_CACHE": str(tmp_path)},  # nothing is drawn yet
        capture_output=True,
        text=True,
        check=True,
    )
    assert not pid.stderr
    assert not Path(f"/proc/{pid.stdout.strip()}").exists()


def test_clean_tree_draws_the_same(tmp_path: Path) -> None:
    text = svg(
        '<defs><linearGradient id="g"><stop stop-color="#00f"/><stop offset="1" stop-color="#ff0"/>'
        '</linearGradient></defs><style>.a{fill:url(#g)}</style><rect class="a" width="80" '
        'height="90"/><switch><foreignObject/><g><circle r="20" cx="50" cy="50"/></g></switch>'
    )
    plain = svg_renderer.draw_svg(text.encode(), 64, "a")
    clean = svg_renderer.draw_svg(svg_bytes(read_svg(text.encode(), "a")), 64, "a")
    assert np.array_equal(np.asarray(plain), np.asarray(clean))


def test_a_guard_takes_time_in_proportion_to_the_file() -> None:
    """Comments that never end, and gradients that share a name and are named as often."""
    gradients = '<linearGradient id="a"/>' * 20_000
    fills = f'<rect fill="{"url(#a)" * 20_000}"/>'
    for body in (f'<rect style="({"/*a" * 500_000}"/>', gradients + fills):
        start = time.perf_counter()
        read_svg(svg(body).encode(), "icon")
        assert time.perf_counter() - start < SECONDS
