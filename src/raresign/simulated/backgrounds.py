"""Made backgrounds for training: roadside scenes out of focus, built from coherent noise."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from raresign.seeds import mix_integers

Colour = tuple[float, float, float]


def _coherent_noise(
    rng: np.random.Generator,
    height: int,
    width: int,
    cells: float,
    octaves: int = 4,
    stretch: float = 1.0,
) -> np.ndarray:
    """Fractal value noise (each octave has twice the cells and half the strength).

    Args:
        cells: Cells of the coarsest grid along the height.
        stretch: Cells are this many times as wide as high.

    Returns:
        (height, width) float32, about normal with mean 0; nearly all values lie in [-1, 1].
    """
    total = np.zeros((height, width), np.float32)
    strength = 1.0
    for _ in range(octaves):
        rows = min(height, max(1, round(cells))) + 3
        columns = min(width, max(1, round(cells * width / height / stretch))) + 3
        grid = Image.fromarray(rng.standard_normal((rows, columns)).astype(np.float32))
        # The outermost ring of cells is cut off: interpolation clamps there.
        inside = (1.0, 1.0, columns - 1.0, rows - 1.0)
        total += strength * np.asarray(
            grid.resize((width, height), Image.Resampling.BICUBIC, box=inside), np.float32
        )
        strength *= 0.5
        cells *= 2
    total *= np.float32(0.45)
    return total


def _between(rng: np.random.Generator, low: Colour, high: Colour) -> np.ndarray:
    """A colour on the way from `low` to `high`, (3,)."""
    colour: np.ndarray = np.asarray(low) + rng.uniform() * np.subtract(high, low)
    return colour


def _ramp(bottom: np.ndarray, top: np.ndarray, size: int) -> np.ndarray:
    """Vertical gradient, (size, size, 3)."""
    share = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
    return np.broadcast_to(top * (1 - share) + bottom * share, (size, size, 3)).astype(np.float32)


def _over(below: np.ndarray, above: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`above` where `mask` (size, size) is 1, `below` where it is 0."""
    mixed: np.ndarray = below + (above - below) * mask[..., None]
    return mixed


def _sky(rng: np.random.Generator, size: int) -> np.ndarray:
    """Blue to grey sky with clouds."""
    top = _between(rng, (70, 120, 200), (190, 200, 210))
    sky = _ramp(_between(rng, (200, 215, 230), (245, 240, 230)), top, size)
    clouds = _coherent_noise(rng, size, size, cells=3, octaves=5, stretch=2.0)
    cover = np.clip((clouds + rng.uniform(-0.6, 0.4)) * 2, 0, 1)
    return _over(sky, _between(rng, (225, 228, 235), (255, 250, 245)), cover)


def _foliage(rng: np.random.Generator, size: int) -> np.ndarray:
    """Leaves and gaps between them, from spring green to autumn brown and winter twigs."""
    leaf = _between(rng, (60, 100, 35), (125, 95, 50))
    light = _coherent_noise(rng, size, size, cells=4, octaves=6)
    picture = leaf * np.exp2(light * rng.uniform(0.6, 1.3))[..., None]
    gaps = np.clip(_coherent_noise(rng, size, size, cells=9, octaves=4) * 4 - 2.2, 0, 1)
    return _over(picture, _between(rng, (150, 170, 190), (235, 240, 245)), gaps)


def _facade(rng: np.random.Generator, size: int) -> np.ndarray:
    """A house front with rows of windows."""
    wall = _between(rng, (110, 95, 85), (215, 200, 170))
    picture = wall * (1 + 0.12 * _coherent_noise(rng, size, size, cells=6))[..., None]
    y, x = np.mgrid[0:size, 0:size] / size + rng.uniform(size=(2, 1, 1))
    rows, columns = rng.uniform(2, 6, size=2)
    wide, high = rng.uniform(0.35, 0.65, size=2)
    windows = (((y * rows) % 1 < high) & ((x * columns) % 1 < wide)).astype(np.float32)
    glass = _between(rng, (35, 45, 60), (150, 165, 180))
    shine = 1 + 0.5 * _coherent_noise(rng, size, size, cells=8, octaves=2)
    return _over(picture, glass * shine[..., None], windows)


def _ground(rng: np.random.Generator, size: int, low: Colour, high: Colour) -> np.ndarray:
    """Streaked ground between two colours."""
    streaks = _coherent_noise(rng, size, size, cells=8, octaves=5, stretch=5.0)
    return _between(rng, low, high) * np.exp2(0.35 * streaks)[..., None]


def _asphalt(rng: np.random.Generator, size: int) -> np.ndarray:
    """Road surface with a lane line running into the distance."""
    road = _ground(rng, size, (70, 70, 72), (150, 148, 145))
    y, x = np.mgrid[0:size, 0:size] / size
    vanish, foot = rng.uniform(0, 1), rng.uniform(-0.5, 1.5)
    offset = np.abs(x - (vanish + (foot - vanish) * y))
    line = np.clip((0.01 + 0.03 * y - offset) * size / 2, 0, 1).astype(np.float32)
    return _over(road, np.array([225.0, 225.0, 220.0]), line)


def _snow(rng: np.random.Generator, size: int) -> np.ndarray:
    """Snow, white to bluish and dirty."""
    return _ground(rng, size, (165, 175, 190), (245, 245, 248))


def _horizon(rng: np.random.Generator, size: int) -> np.ndarray:
    """Sky above a wavy line of trees above ground."""
    y = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    tops = _coherent_noise(rng, size, size, cells=5, octaves=5)[:1]
    line = rng.uniform(0.2, 0.9)
    trees = np.clip((y - line + 0.15 * tops) * size / 3, 0, 1)
    foot = np.clip((y - line - rng.uniform(0.1, 0.4)) * size / 3, 0, 1)
    ground = (_asphalt, _snow, _foliage)[rng.integers(3)](rng, size)
    picture = _over(_sky(rng, size), _foliage(rng, size), trees)
    return _over(picture, ground, np.broadcast_to(foot, (size, size)))


def _street(rng: np.random.Generator, size: int) -> np.ndarray:
    """A house beside the sky above the road, and a mast."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    side, roof, kerb = rng.uniform(0.2, 0.8), rng.uniform(0, 0.5), rng.uniform(0.6, 1.1)
    house = ((x < side) & (y > roof)).astype(np.float32)
    picture = _over(_sky(rng, size), _facade(rng, size), house[:, :: rng.choice([-1, 1])])
    picture = _over(picture, _asphalt(rng, size), (y > kerb).astype(np.float32))
    mast = np.abs(x - rng.uniform() - 0.05 * rng.normal() * y) < rng.uniform(0.005, 0.03)
    return _over(picture, _between(rng, (40, 40, 45), (140, 140, 145)), mast.astype(np.float32))


# (rng, size) -> (size, size, 3) float32, 0..255
_PAINTERS = (_sky, _foliage, _facade, _asphalt, _snow, _horizon, _horizon, _street, _street)


def _background(seed: int, number: int, size: int) -> np.ndarray:
    """Background `number` of a seed: a scene, unevenly lit, tinted and out of focus."""
    rng = np.random.default_rng(mix_integers(seed, number))
    scene = _PAINTERS[number % len(_PAINTERS)](rng, size)
    light = np.exp2(rng.normal(-0.2, 0.5) + 0.4 * _coherent_noise(rng, size, size, 2, octaves=2))
    tint = np.exp2(rng.normal(0, 0.12, 3))
    lit = np.clip(scene * light[..., None] * tint, 0, 255).astype(np.uint8)
    softness = float(rng.uniform(0.002, 0.025)) * size
    return np.array(Image.fromarray(lit).filter(ImageFilter.GaussianBlur(softness)))


def procedural_backgrounds(count: int, seed: int, size: int = 256) -> list[np.ndarray]:
    """Make roadside backgrounds that look like blurred photos: sky, trees, houses, road, snow.

    Args:
        count: How many; the kinds of scene take turns.
        seed: Background i depends on `seed`, i and `size` alone.
        size: Height and width in pixels.

    Returns:
        `count` arrays (size, size, 3) uint8 RGB.

    Example:
        >>> few, more = procedural_backgrounds(2, seed=1, size=64), procedural_backgrounds(3, 1, 64)
        >>> bool((few[1] == more[1]).all()), few[0].shape
        (True, (64, 64, 3))
    """
    return [_background(seed, number, size) for number in range(count)]
