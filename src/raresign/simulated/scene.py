"""What the simulated camera sees: linear light from a scene of overlapping blots, pole and plates.

Kept apart from `backgrounds.py` on purpose: a classifier must not meet its training backgrounds
again in the photos that examine it.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from raresign.signs.countries.registry import standard
from raresign.simulated.pinhole import Pinhole, warp_sign

GOST = standard("gost")

# sRGB to linear light (IEC 61966-2-1), for every byte
_BYTES = np.arange(256) / 255
_LINEAR = np.where(_BYTES <= 0.04045, _BYTES / 12.92, ((_BYTES + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)

# Blots of a scene: (lowest, highest) sRGB colour of what is seen above and below the horizon
_SCENES: tuple[tuple[tuple[int, int, int], ...], ...] = (
    ((196, 208, 224), (244, 246, 250), (120, 128, 132), (200, 204, 206)),  # overcast sky, road
    ((96, 140, 200), (190, 215, 240), (60, 80, 40), (140, 150, 90)),  # clear sky, meadow
    ((28, 38, 22), (108, 124, 70), (50, 52, 44), (130, 130, 116)),  # wood
    ((58, 46, 38), (196, 190, 184), (90, 84, 78), (226, 228, 234)),  # bare trees, snow
    ((84, 74, 68), (204, 186, 160), (66, 66, 70), (150, 148, 150)),  # town
    ((30, 34, 52), (110, 110, 130), (24, 24, 30), (80, 76, 76)),  # dusk
)


def linear_light(picture: np.ndarray) -> np.ndarray:
    """Bytes of sRGB to linear light in [0, 1], float32, any shape."""
    light: np.ndarray = _LINEAR[picture]
    return light


def blot_scene(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A scene of overlapping blots, boxes and twigs above and below a horizon.

    Overlapping opaque leaves give the edge statistics of natural pictures (dead leaves model;
    Lee, Mumford, Huang, IJCV 2001).

    Returns:
        (height, width, 3) uint8 sRGB.
    """
    above_low, above_high, below_low, below_high = np.array(_SCENES[rng.integers(len(_SCENES))])
    # Painted small and enlarged: nobody sees single leaves behind a sign in focus.
    scale = max(1.0, min(height, width) / 72)
    rows, columns = math.ceil(height / scale), math.ceil(width / scale)
    horizon = rng.uniform(0.3, 1.6) * rows
    sky = tuple(((above_low + 2 * above_high) // 3).tolist())
    canvas = Image.new("RGB", (columns, rows), sky)
    draw = ImageDraw.Draw(canvas)
    count = int(rng.integers(12, 70))
    centres = rng.uniform(-0.1, 1.1, (count, 2)) * (columns, rows)
    sizes = np.clip(2.5 / rng.uniform(0.04, 1.0, (count, 2)), 1.5, rows * 0.5)
    shares = np.clip(rng.uniform(size=(count, 1)) + rng.normal(0, 0.06, (count, 3)), 0, 1)
    boxy = rng.uniform(size=count) < rng.choice([0.0, 0.1, 0.8])
    for (x, y), (a, b), share, box in zip(centres, sizes, shares, boxy, strict=True):
        low, high = (below_low, below_high) if y > horizon else (above_low, above_high)
        colour = tuple((low + share * (high - low)).astype(int).tolist())
        (draw.rectangle if box else draw.ellipse)((x - a, y - b, x + a, y + b), fill=colour)
    if rng.uniform() < 0.35:
        twig = tuple((above_low * 0.5).astype(int).tolist())
        for _ in range(int(rng.integers(3, 14))):
            ends = (rng.uniform(-0.2, 1.2, (2, 2)) * (columns, rows)).ravel().tolist()
            draw.line(ends, fill=twig, width=1 + int(rng.integers(2)))
    canvas = canvas.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 2.5))))
    return np.array(canvas.resize((width, height), Image.Resampling.BICUBIC))


def _cover(plate: np.ndarray) -> np.ndarray:
    """Coverage (H, W) in [0, 1] of a warped plate."""
    return plate[..., 3].astype(np.float32) / 255


def _polygon(camera: Pinhole, corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Coverage (H, W) of a flat polygon with `corners` (N, 3) in plate coordinates."""
    mask = Image.new("L", (shape[1], shape[0]))
    ImageDraw.Draw(mask).polygon(camera.project(corners).ravel().tolist(), fill=255)
    return np.asarray(mask, np.float32) / 255


def _aged(rng: np.random.Generator, albedo: np.ndarray) -> np.ndarray:
    """Years in the sun: coloured parts turn pale, red most of all; then dust over everything."""
    red, green, blue = albedo[..., 0], albedo[..., 1], albedo[..., 2]
    brightest = np.maximum(np.maximum(red, green), blue)
    colourful = (brightest - np.minimum(np.minimum(red, green), blue))[..., None]
    loss = np.float32(0.9 * rng.beta(1, 5)) * colourful
    pale = np.array([0.45, 0.40, 0.42], np.float32)
    albedo = albedo + (pale - albedo) * loss
    dust = np.float32(0.7 * rng.beta(1, 8))
    mud = np.array([0.30, 0.26, 0.20], np.float32)
    aged: np.ndarray = albedo + (mud - albedo) * dust
    return aged


def _lit(rng: np.random.Generator, camera: Pinhole, shape: tuple[int, int]) -> np.ndarray:
    """Light on the plates, (H, W, 3): sky, sun with a soft shadow edge, headlamps."""
    height, width = shape
    back = np.linalg.inv(camera.plane()).astype(np.float32)
    column, row = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    x, y, depth = (a * column + b * row + c for a, b, c in back)
    x, y = x / depth, y / depth  # metres on the plate
    angle = rng.uniform(0, 2 * math.pi)
    across = x * math.cos(angle) + y * math.sin(angle)
    light = np.repeat((1 + rng.normal(0, 0.25) * across)[..., None], 3, axis=2)
    if rng.uniform() < 0.45:  # the sun shines on the face, perhaps past a tree or a wire
        warm = np.array([1.0, 0.93, 0.80], np.float32) * np.float32(rng.uniform(0.8, 3.0))
        seen = np.ones(shape, np.float32)
        if rng.uniform() < 0.45:
            edge = across - rng.uniform(-0.35, 0.35) + 0.05 * np.sin(y * 9)
            seen = 1 / (1 + np.exp(-np.clip(edge / rng.uniform(0.01, 0.12), -30, 30)))
        light += warm * seen[..., None]
    elif rng.uniform() < 0.2:  # headlamps: the retroreflective sheet answers, brightest low down
        glow = rng.uniform(0.5, 2.0) * np.exp(0.8 * y)
        light += glow[..., None] * np.array([1.0, 0.95, 0.85], np.float32)
    kept: np.ndarray = np.clip(light, 0.1, None).astype(np.float32)
    return kept


def _paint(below: np.ndarray, above: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """`above` over `below` with coverage `alpha` (H, W) in [0, 1]."""
    painted: np.ndarray = below + (above - below) * alpha[..., None]
    return painted


def _pole(rng: np.random.Generator, camera: Pinhole, shape: tuple[int, int]) -> np.ndarray:
    """Coverage (H, W) of a round pole behind the plates."""
    half, x = rng.uniform(0.025, 0.05), rng.normal(0, 0.03)
    top = -0.3 if rng.uniform() < 0.6 else -3.0
    corners = [(x - half, top), (x + half, top), (x + half, 3.0), (x - half, 3.0)]
    return _polygon(camera, np.array([(a, b, 0.05) for a, b in corners]), shape)


def _board(rng: np.random.Generator, camera: Pinhole, shape: tuple[int, int]) -> np.ndarray:
    """Coverage (H, W) of a rectangular board around the main plate."""
    half = 0.35 + rng.uniform(0.08, 0.2, 2)
    corners = half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) + (0, rng.uniform(0, 0.1))
    return _polygon(camera, np.column_stack([corners, np.full(4, 0.01)]), shape)


def roadside(
    rng: np.random.Generator, code: str, camera: Pinhole, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Light that reaches the camera from a sign at the side of a road.

    Args:
        rng: Source of all choices.
        code: A sign of the standard "gost".
        camera: The pose.
        shape: H and W of the view in pixels.

    Returns:
        (H, W, 3) float32 linear light, white paper in the shade of the sky = 1, and the
        coverage of the main plate, (H, W) float32 in [0, 1].

    Raises:
        InputError: No sign has this code.
    """
    view = linear_light(blot_scene(rng, *shape)) * np.float32(np.exp2(rng.normal(0.3, 0.9)))
    light = _lit(rng, camera, shape)
    if rng.uniform() < 0.85:
        steel = np.float32(rng.uniform(0.08, 0.45))
        view = _paint(view, steel * light, _pole(rng, camera, shape))
    if rng.uniform() < 0.07:
        board = np.array([(0.80, 0.42, 0.02), (0.75, 0.80, 0.05)][rng.integers(2)], np.float32)
        view = _paint(view, board * light, _board(rng, camera, shape))
    if rng.uniform() < 0.35:
        other = GOST.codes[rng.integers(len(GOST.codes))]
        gap = (GOST.size(code)[1] + GOST.size(other)[1]) / 2 + rng.uniform(0.02, 0.08)
        at = (0.0, gap if rng.uniform() < 0.6 else -gap)
        plate = warp_sign(other, camera, shape, at)
        view = _paint(view, linear_light(plate[..., :3]) * light, _cover(plate))
    if rng.uniform() < 0.4:  # the folded edge of the sheet
        back = warp_sign(code, camera, shape, growth=rng.uniform(1.02, 1.06), depth=0.03)
        view = _paint(view, np.float32(rng.uniform(0.1, 0.4)) * light, _cover(back))
    plate = warp_sign(code, camera, shape)
    cover = _cover(plate)
    return _paint(view, _aged(rng, linear_light(plate[..., :3])) * light, cover), cover
