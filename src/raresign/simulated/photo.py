"""Simulated photos of signs: a camera model that shares nothing with the training synthesiser."""

from __future__ import annotations

import math
import zlib

import numpy as np

from raresign.seeds import mix_integers
from raresign.signs.countries.registry import standard
from raresign.simulated.pinhole import Pinhole, rotation
from raresign.simulated.scene import roadside
from raresign.simulated.sensor import photograph

_SHORTEST, _LONGEST = 14, 80  # sides of a finished crop, pixels
_OVERSAMPLING = 2  # light is computed on a grid twice as fine as the sensor's


def _pose(rng: np.random.Generator, code: str) -> tuple[Pinhole, tuple[int, int]]:
    """A camera on the road and the shape of its view around the sign, both oversampled."""
    width, height = standard("gost").size(code)
    longest = math.exp(rng.uniform(math.log(1.2 * _SHORTEST), math.log(_LONGEST)))
    longest = max(longest, 1.15 * _SHORTEST * max(width, height) / min(width, height))
    focal = math.exp(rng.uniform(math.log(700), math.log(2600)))
    distance = max(focal * max(width, height) / longest, 4.0)
    climb = math.atan(rng.uniform(0.8, 2.5) / distance)  # signs hang above the camera
    yaw = float(np.clip(rng.normal(0, 0.3), -0.95, 0.95))
    turn = rotation(yaw, climb + rng.normal(0, 0.05), rng.normal(0, 0.05))
    # Room for the box to miss the sign, and for the blur to fetch light from outside.
    reach = (1.3 * longest + 6) / max(width, height)
    # Multiples of 8 pixels make the lens's Fourier transform fast.
    view = tuple(8 * math.ceil(reach * side / 8) * _OVERSAMPLING for side in (height, width))
    off = rng.uniform(-0.5, 0.5, 2) * _OVERSAMPLING  # where the sign meets the pixel grid
    centre = (float(view[1] / 2 + off[0]), float(view[0] / 2 + off[1]))
    return Pinhole(turn, distance, focal * _OVERSAMPLING, centre), (view[0], view[1])


def _detector_box(rng: np.random.Generator, cover: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of a detector's box around the plate, at sensor resolution."""
    sides: list[slice] = []
    for axis in (1, 0):
        seen = np.flatnonzero(cover.max(axis=axis) > 0.5)
        limit = cover.shape[1 - axis] // _OVERSAMPLING
        low, high = seen[0] / _OVERSAMPLING, (seen[-1] + 1) / _OVERSAMPLING
        margins = rng.normal(0.05, 0.05, 2) * (high - low)
        start = max(round(low - margins[0]), 0)
        stop = min(max(round(high + margins[1]), start + _SHORTEST), limit, start + _LONGEST)
        sides.append(slice(max(stop - _SHORTEST, 0) if stop - start < _SHORTEST else start, stop))
    return sides[0], sides[1]


def simulated_photo(code: str, seed: int, number: int) -> np.ndarray:
    """Photograph a drawn sign at the side of a made road, as a detector would crop it.

    A pinhole camera at 4 to 150 m sees a plate on a pole with neighbours, sun, shade, dirt and
    haze; the lens blurs, a Bayer sensor counts photons, the file is a JPEG.

    Args:
        code: A sign of the standard "gost".
        seed: Photo `number` of `code` depends on these three alone.
        number: Serial number of the photo.

    Returns:
        (H, W, 3) uint8 sRGB, sides between 14 and 80 pixels.

    Raises:
        InputError: No sign has this code.

    Example:
        >>> photo = simulated_photo("3.24.n40", seed=0, number=1)
        >>> bool((photo == simulated_photo("3.24.n40", seed=0, number=1)).all())
        True
    """
    standard("gost").base_of(code)
    rng = np.random.default_rng(mix_integers(seed, zlib.crc32(code.encode()), number))
    camera, shape = _pose(rng, code)
    light, cover = roadside(rng, code, camera, shape)
    air = np.exp2(rng.normal(-0.5, 0.4)) * np.array([0.92, 0.96, 1.0], np.float32)
    sight = math.exp(rng.uniform(math.log(200), math.log(6000)))  # metres; 200 m is fog
    light = air + (light - air) * np.float32(math.exp(-camera.distance / sight))
    # The meter looks at the whole street, so the sign itself may come out far too dark or bright.
    white = (
        np.percentile(light[..., 1][cover > 0.5], 90) if rng.uniform() < 0.5 else light.mean() * 1.8
    )
    exposure = 0.62 * np.exp2(rng.normal(-0.3, 0.8)) / max(float(white), 1e-3)
    photo = photograph(rng, (light * np.float32(exposure)).astype(np.float32), _OVERSAMPLING)
    return photo[_detector_box(rng, cover)]
