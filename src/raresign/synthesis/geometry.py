"""Where the sign stands in the crop: rotation, aspect, shear, tilt in perspective, box jitter."""

from __future__ import annotations

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.synthesis.effect import Effect, Params, Range, draw, inside


class Pose(Effect):
    """A plate seen by a pinhole camera and cut out by an imperfect detector.

    Coordinates run over [-1, 1] from edge to edge. The plate is scaled, sheared, rotated in its
    plane and tilted about both axes; the detector's box is then a little off and too wide or too
    tight. One homography (Hartley and Zisserman, "Multiple View Geometry", section 2.3) does it
    all in one resampling.

    Example:
        >>> pose = Pose(rotation=(0, 0), tilt=(0, 0), shear=(0, 0), stretch=(0, 0),
        ...             margin=(0, 0), shift=(0, 0))
        >>> icons = torch.rand(2, 4, 8, 8)
        >>> same = pose(icons, CropRandom.from_seed(0, torch.arange(2)))
        >>> bool(torch.allclose(same, icons, atol=1e-5))
        True
    """

    rotation: Range = (-10.0, 10.0)
    """In-plane rotation in degrees."""
    tilt: Annotated[Range, inside(-80, 80)] = (-35.0, 35.0)
    """Rotation about the vertical and about the horizontal axis in degrees."""
    distance: float = Field(default=4.0, ge=2.5, le=100.0)
    """Camera distance in half plate widths; smaller means stronger perspective."""
    shear: Annotated[Range, inside(-1, 1)] = (-0.06, 0.06)
    """Sideways slant: x moves by this share of y."""
    stretch: Annotated[Range, inside(-1, 1)] = (-0.08, 0.08)
    """Natural logarithm of the width-to-height change."""
    margin: Annotated[Range, inside(-0.5, 10)] = (0.0, 0.3)
    """Free border as a share of the sign's size, summed over both sides; negative cuts it off."""
    shift: Annotated[Range, inside(-1, 1)] = (-0.08, 0.08)
    """Offset of the box's centre as a share of half the crop."""
    fit: float = Field(default=0.8, ge=0.0, le=1.0)
    """How far the box follows the tilted plate's own outline: 1 encloses it, 0 ignores it."""

    def sample(self, n: int, random: CropRandom) -> Params:
        """`matrix`: (n, 3, 3), from the crop's coordinates to the icon's."""
        degrees = math.pi / 180
        turn = draw(random, self.rotation) * degrees
        yaw, pitch = (draw(random, self.tilt, 2) * degrees).unbind(1)
        shear = draw(random, self.shear)
        stretch = (draw(random, self.stretch) / 2).exp()
        margin = 1.0 + draw(random, self.margin)
        shift = draw(random, self.shift, 2)

        # Columns: where the plate's x axis, y axis and centre go in camera coordinates.
        plate = torch.zeros(n, 3, 3, device=turn.device)
        plate[:, 0, 0] = turn.cos() * stretch
        plate[:, 1, 0] = turn.sin() * stretch
        plate[:, 0, 1] = (shear * turn.cos() - turn.sin()) / stretch
        plate[:, 1, 1] = (shear * turn.sin() + turn.cos()) / stretch
        plate[:, 2, 2] = self.distance
        tilted = plate.clone()
        tilted[:, 0, :2] = yaw.cos()[:, None] * plate[:, 0, :2]
        tilted[:, 1, :2] = pitch.cos()[:, None] * plate[:, 1, :2]
        tilted[:, 2, :2] = (
            yaw.sin()[:, None] * plate[:, 0, :2] + pitch.sin()[:, None] * plate[:, 1, :2]
        )
        tilted[:, :2] *= self.distance

        # The box: the outline of the plate's circle, widened by the margin and moved.
        angle = torch.arange(16, device=turn.device) * (2 * math.pi / 16)
        rim = torch.stack([angle.cos(), angle.sin(), torch.ones_like(angle)])
        seen = tilted @ rim
        outline = seen[:, :2] / seen[:, 2:]
        low, high = outline.amin(2), outline.amax(2)
        half = torch.lerp(torch.ones_like(low), (high - low) / 2, self.fit)
        box = torch.zeros_like(plate)
        box[:, 0, 0], box[:, 1, 1] = (half * margin[:, None]).unbind(1)
        box[:, :2, 2] = (low + high) / 2 * self.fit + shift * half
        box[:, 2, 2] = 1.0
        return {"matrix": torch.linalg.solve(tilted, box)}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Resample (N, C, H, W) with zeros outside (premultiplied RGBA) or edges (colours)."""
        padding = "zeros" if crops.shape[1] == 4 else "border"
        return warp(crops, params["matrix"], padding)


def warp(pictures: Tensor, matrix: Tensor, padding: str) -> Tensor:
    """Resample each picture by a homography from output to input coordinates, bilinearly.

    Args:
        pictures: (N, C, H, W) float.
        matrix: (N, 3, 3); coordinates run over [-1, 1] from edge to edge.
        padding: `zeros` or `border`.

    Returns:
        (N, C, H, W): output pixel p shows the input at `matrix @ p`.

    Example:
        >>> arrow = torch.zeros(1, 1, 2, 2); arrow[0, 0, 0, 0] = 1.0
        >>> turn = torch.tensor([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
        >>> warp(arrow, turn[None], "zeros")[0, 0].round().abs().tolist()
        [[0.0, 1.0], [0.0, 0.0]]
    """
    n, _, height, width = pictures.shape
    device = pictures.device
    x = (torch.arange(width, device=device) * 2 + 1) / width - 1
    y = (torch.arange(height, device=device) * 2 + 1) / height - 1
    columns = matrix[:, None, None, :, 0] * x[None, None, :, None]
    rows = matrix[:, None, None, :, 1] * y[None, :, None, None] + matrix[:, None, None, :, 2]
    places = columns + rows  # (N, H, W, 3)
    grid = places[..., :2] / places[..., 2:].clamp(min=1e-3)
    return F.grid_sample(
        pictures, grid, mode="bilinear", padding_mode=padding, align_corners=False
    ).view(n, -1, height, width)
