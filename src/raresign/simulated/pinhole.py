"""A pinhole camera that looks up at a sign plate: pose, projection, and plates warped into view."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from raresign.signs.countries.drawn_sign import render_sign
from raresign.signs.countries.registry import standard

_TEXTURE_WIDTHS = (24, 36, 54, 80, 120, 180, 270)


@dataclass(frozen=True)
class Pinhole:
    """A camera in front of a plate whose centre lies on the optical axis.

    Plate coordinates are metres from the centre of the plate: x right, y down, z away from the
    camera. x_image = centre + focal * X / Z with (X, Y, Z) = rotation @ point + (0, 0, distance).

    Args:
        rotation: (3, 3), plate to camera.
        distance: Metres.
        focal: Focal length in pixels of the view.
        centre: Where the plate's centre falls in the view, (x, y) pixels.
    """

    rotation: np.ndarray
    distance: float
    focal: float
    centre: tuple[float, float]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels (N, 2) of the points (N, 3) in plate coordinates."""
        seen = points @ self.rotation.T
        depth = seen[:, 2:] + self.distance
        pixels: np.ndarray = np.asarray(self.centre) + self.focal * seen[:, :2] / depth
        return pixels

    def plane(self, depth: float = 0.0) -> np.ndarray:
        """Homography (3, 3) from the plane z = `depth` (x, y in metres) to pixels.

        The columns are K r1, K r2 and K (depth r3 + t); Hartley and Zisserman, Multiple View
        Geometry, 2nd ed., section 8.1.1.
        """
        intrinsic = np.array(
            [[self.focal, 0, self.centre[0]], [0, self.focal, self.centre[1]], [0, 0, 1]]
        )
        translation = depth * self.rotation[:, 2] + np.array([0, 0, self.distance])
        homography: np.ndarray = intrinsic @ np.column_stack(
            [self.rotation[:, 0], self.rotation[:, 1], translation]
        )
        return homography


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) turn about the vertical, then the horizontal, then the optical axis, in radians."""
    (sy, cy), (sp, cp), (sr, cr) = ((math.sin(a), math.cos(a)) for a in (yaw, pitch, roll))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turned: np.ndarray = about_z @ about_x @ about_y
    return turned


@cache
def _texture(code: str, width: int) -> Image.Image:
    """The sign drawn once, large, and averaged down to `width` so that nothing aliases."""
    large = Image.fromarray(render_sign(code, 2 * _TEXTURE_WIDTHS[-1]))
    height = max(1, round(large.height * width / large.width))
    return large.resize((width, height), Image.Resampling.BOX)


def warp_sign(
    code: str,
    camera: Pinhole,
    shape: tuple[int, int],
    at: tuple[float, float] = (0.0, 0.0),
    growth: float = 1.0,
    depth: float = 0.0,
) -> np.ndarray:
    """(H, W, 4) uint8 RGBA, straight alpha: a sign plate seen through the camera.

    Args:
        code: A sign of the standard "gost".
        camera: The pose.
        shape: H and W of the view in pixels.
        at: Where the plate's centre hangs, metres.
        growth: Size relative to the real plate.
        depth: Metres behind the main plate.

    Raises:
        InputError: No sign has this code.
    """
    width, height = (growth * side for side in standard("gost").size(code))
    wanted = 1.2 * camera.focal * width / camera.distance
    texture = _texture(code, next((w for w in _TEXTURE_WIDTHS if w >= wanted), _TEXTURE_WIDTHS[-1]))
    to_metres = np.array(
        [
            [width / texture.width, 0, at[0] - width / 2],
            [0, height / texture.height, at[1] - height / 2],
            [0, 0, 1],
        ]
    )
    back = np.linalg.inv(camera.plane(depth) @ to_metres)
    warped = texture.transform(
        (shape[1], shape[0]),
        Image.Transform.PERSPECTIVE,
        (back / back[2, 2]).ravel()[:8].tolist(),
        Image.Resampling.BILINEAR,
    )
    return np.array(warped)
