"""Signs that exist nowhere: bare faces with pictograms and numbers that no road shows there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from raresign.seeds import mix_integers
from raresign.signs.countries.russia.drawings import SIGNS
from raresign.signs.countries.russia.frames import FRAMES
from raresign.signs.drawing.compose import draw
from raresign.signs.drawing.parts import Box, Layer, Picture, Sign, Text

_FACES: dict[str, tuple[float, Box, str]] = {
    "warning": (4, Box(262, 285, 310, 345), "black"),
    "yield": (1, Box(282, 120, 270, 270), "black"),
    "stop": (1, Box(120, 170, 460, 360), "white"),
    "prohibition": (5, Box(150, 190, 400, 320), "black"),
    "prohibition-slash": (2, Box(170, 185, 360, 330), "black"),
    "end": (1, Box(150, 175, 400, 350), "grey"),
    "no-entry": (1, Box(150, 175, 400, 350), "white"),
    "mandatory": (4, Box(145, 145, 410, 410), "white"),
    "blue-square": (3, Box(105, 105, 490, 490), "white"),
    "blue-upright": (1, Box(105, 160, 490, 730), "white"),
    "service": (2, Box(110, 220, 480, 480), "black"),
    "white-upright": (1, Box(105, 160, 490, 730), "black"),
    "plate": (2, Box(80, 50, 540, 250), "black"),
    "plate-square": (1, Box(90, 90, 520, 520), "black"),
    "blue-3x1": (1, Box(90, 50, 870, 250), "white"),
}
"""Frame -> how often, the place of what it shows, and its colour."""
_PICTOGRAMS = (
    "aeroplane arrow-down-right arrow-left-right arrow-right arrow-up arrow-up-down bed bench "
    "bend-right bends-right bicycle bus-front bus-rear bus-side car-front car-rear car-side "
    "car-throwing-gravel children cow crossing-roads crossroads-priority danger-truck "
    "dark-glasses dead-end deer exclamation explosion fence fir-tree fork-and-knife fuel-pump "
    "hammers handset junction-ahead-right junction-right kick-scooter letter-p locomotive "
    "motorcycle photo-camera rain-cloud red-cross road-worker roundabout running-child shower "
    "slope-down stairs-down-right taxi-lamp tractor traffic-light trailer tram-side truck-rear "
    "truck-side truck-tall turn-right u-turn-left walker wheelchair wrench zigzag-right"
)
"""Those that mean something alone; other pictograms are parts of a road or a frame."""
_NUMBERS = tuple(str(number) for number in range(21, 140) if number % 5)
"""Rounder or smaller ones stand on roads."""
_UNITS = ("", "", "", "[t]", "[m]", "%")
_YELLOW = 0.1
"""Share on yellow ground, as at road works."""
_NUMBERED = "-number"
_Contents = tuple[str, frozenset[str]]


def invented_signs(count: int, seed: int) -> dict[str, str]:
    """As many signs, no two alike and none a sign of ours, as SVG by a code.

    Args:
        count: Some hundreds.
        seed: Decides which ones.

    Example:
        >>> list(invented_signs(3, seed=0))
        ['invented-0', 'invented-1-number', 'invented-2-number']
    """
    rng = np.random.default_rng(mix_integers(seed, count))
    ours = {_contents(sign) for sign in SIGNS.values()}
    found: dict[str, str] = {}
    while len(found) < count:
        sign = _sign(rng)
        ground = "yellow" if rng.random() < _YELLOW else "white"
        if _contents(sign) not in ours:
            ours.add(_contents(sign))
            kind = _NUMBERED if any(isinstance(layer, Text) for layer in sign.layers) else ""
            code = f"invented-{len(found)}{kind}"
            found[code] = draw(replace(sign, field=ground), FRAMES, _no_inset)
    return found


def has_number(code: str) -> bool:
    """Whether it is the code of an invented sign with a number."""
    return code.startswith("invented-") and code.endswith(_NUMBERED)


def _sign(rng: np.random.Generator) -> Sign:
    """One face with a pictogram, a number, two pictograms, or a pictogram over a number."""
    shares = np.array([share for share, _, _ in _FACES.values()])
    frame = list(_FACES)[int(rng.choice(len(_FACES), p=shares / shares.sum()))]
    _, box, colour = _FACES[frame]
    layers: tuple[Layer, ...]
    match int(rng.choice(4, p=(0.5, 0.25, 0.15, 0.1))):
        case 0:
            layers = (_picture(rng, box, colour),)
        case 1:
            layers = (_number(rng, box, colour),)
        case 2:
            layers = tuple(_picture(rng, half, colour) for half in _halves(box))
        case _:
            upper, lower = _halves(box, wide=False)
            layers = (_picture(rng, upper, colour), _number(rng, lower, colour))
    return Sign(frame, layers)


def _contents(sign: Sign) -> _Contents:
    """Frame and pictograms; where two signs agree in both they may be one."""
    names = (layer.name for layer in sign.layers if isinstance(layer, Picture))
    texts = (layer.text for layer in sign.layers if isinstance(layer, Text))
    return sign.frame, frozenset((*names, *texts))


def _picture(rng: np.random.Generator, box: Box, colour: str) -> Picture:
    names = _PICTOGRAMS.split()
    name = names[int(rng.integers(len(names)))]
    return Picture(name, box, colour, mirrored=bool(rng.random() < 0.3))


def _number(rng: np.random.Generator, box: Box, colour: str) -> Text:
    """As high as the numbers of the road, which leave room above and below."""
    number, unit = (names[int(rng.integers(len(names)))] for names in (_NUMBERS, _UNITS))
    slot = replace(box, top=box.top + 0.1 * box.height, height=0.8 * box.height)
    return Text(f"{number}{unit}", slot, colour)


def _halves(box: Box, wide: bool | None = None) -> tuple[Box, Box]:
    """Side by side where the box is wide, else one over the other, with a gap between them."""
    if box.width >= box.height if wide is None else wide:
        width = 0.46 * box.width
        return replace(box, width=width), replace(
            box, left=box.left + 0.54 * box.width, width=width
        )
    height = 0.46 * box.height
    return replace(box, height=height), replace(box, top=box.top + 0.54 * box.height, height=height)


def _no_inset(code: str) -> Sign:
    raise KeyError(code)
