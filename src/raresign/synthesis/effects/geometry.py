"""Where the sign stands in the crop: rotation, aspect, shear, tilt in perspective, box jitter."""

from __future__ import annotations

import math
from functools import cache
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from raresign.synthesis.effect import Effect, Params, Range, inside, quantile


class Pose(Effect):
    """A plate seen by a pinhole camera and cut out by an imperfect detector.

    Coordinates run over [-1, 1] from edge to edge. The plate is scaled, sheared, rotated in its
    plane and tilted about both axes; the detector's box is then a little off and too wide or too
    tight. One homography (Hartley and Zisserman, "Multiple View Geometry", section 2.3) does it
    all in one resampling.
    """

    draws: ClassVar[int] = 8

    probability: float = Field(default=1.0, ge=1.0, le=1.0)
    """Every sign stands somewhere."""
    rotation: Annotated[Range, inside(-180, 180)] = (-10.0, 10.0)
    """In-plane rotation in degrees."""
    tilt: Annotated[Range, inside(-80, 80)] = (-35.0, 35.0)
    """Rotation about the vertical and about the horizontal axis in degrees."""
    distance: float = Field(default=4.0, ge=2.5, le=100.0)
    """Camera distance in half plate widths; smaller means stronger perspective."""
    shear: Annotated[Range, inside(-1, 1)] = (-0.06, 0.06)
    """Sideways slant, x moves by this share of y: bent plates, and the skew that a rolling
    shutter gives to what passes by."""
    stretch: Annotated[Range, inside(-1, 1)] = (-0.08, 0.08)
    """Natural logarithm of the width-to-height change."""
    margin: Annotated[Range, inside(-0.5, 10)] = (0.0, 0.3)
    """Free border as a share of the sign's size, summed over both sides; negative cuts it off."""
    shift: Annotated[Range, inside(-1, 1)] = (-0.08, 0.08)
    """Offset of the box's centre as a share of half the crop."""
    fit: float = Field(default=0.8, ge=0.0, le=1.0)
    """How far the box follows the tilted plate's own outline: 1 encloses it, 0 ignores it."""

    def sample(self, u: Tensor) -> Params:
        """`rotation`, `shear`, `stretch`, `margin`: (N,); `tilt`, `shift`: (N, 2)."""
        return {
            "rotation": quantile(u[:, 0], self.rotation),
            "tilt": quantile(u[:, 1:3], self.tilt),
            "shear": quantile(u[:, 3], self.shear),
            "stretch": quantile(u[:, 4], self.stretch),
            "margin": quantile(u[:, 5], self.margin),
            "shift": quantile(u[:, 6:8], self.shift),
        }

    def matrix(self, params: Params) -> Tensor:
        """(N, 3, 3) homographies from the crop's coordinates to the plate's."""
        degrees = math.pi / 180
        turn = params["rotation"] * degrees
        yaw, pitch = (params["tilt"] * degrees).unbind(1)
        stretch = (params["stretch"] / 2).exp()
        cos, sin, shear = turn.cos(), turn.sin(), params["shear"]

        # Where the plate's x axis, y axis and centre go in camera coordinates, times distance.
        x_axis = torch.stack([cos, sin], 1) * stretch[:, None]
        y_axis = torch.stack([shear * cos - sin, shear * sin + cos], 1) / stretch[:, None]
        axes = torch.stack([x_axis, y_axis], 2)  # (N, 2, 2)
        turned = torch.stack([yaw.cos(), pitch.cos()], 1)[:, :, None] * axes * self.distance
        depth = (torch.stack([yaw.sin(), pitch.sin()], 1)[:, :, None] * axes).sum(1, keepdim=True)
        tilted = F.pad(torch.cat([turned, depth], 1), (0, 1))  # (N, 3, 3)
        tilted[:, 2, 2] = self.distance

        # The box: the outline of the plate's circle, widened by the margin and moved.
        angle = torch.arange(16, device=turn.device) * (2 * math.pi / 16)
        seen = tilted @ torch.stack([angle.cos(), angle.sin(), torch.ones_like(angle)])
        low, high = (seen[:, :2] / seen[:, 2:]).aminmax(dim=2)
        half = torch.lerp(torch.ones_like(low), (high - low) / 2, self.fit)
        box = torch.zeros_like(tilted)
        box[:, 0, 0], box[:, 1, 1] = (half * (1 + params["margin"])[:, None]).unbind(1)
        box[:, :2, 2] = (low + high) / 2 * self.fit + params["shift"] * half
        box[:, 2, 2] = 1.0
        return inverse(tilted) @ box * self.distance


def inverse(matrix: Tensor) -> Tensor:
    """(N, 3, 3) inverses by cofactors: alike on every device, without a linear algebra library."""
    a, b, c = matrix.unbind(2)
    rows = torch.stack(
        [torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)], 1
    )
    return rows / (rows[:, 0] * a).sum(1)[:, None, None]


def plate_coordinates(matrix: Tensor, size: int) -> Tensor:
    """(N, size, size, 2) which point of the plate each pixel of the crop shows, as two planes.

    Far outside where the plate's plane is behind the camera.

    Args:
        matrix: (N, 3, 3) from the crop's coordinates to the plate's, both [-1, 1] edge to edge.
        size: Side of the crop in pixels.
    """
    points = torch.matmul(matrix, _pixel_centres(size, matrix.device))  # (N, 3, S * S)
    weight = points[:, 2:].clamp(min=1e-3)
    planes = points[:, :2].div_(weight).view(len(matrix), 2, size, size)
    return planes.permute(0, 2, 3, 1)


@cache
def _pixel_centres(size: int, device: torch.device) -> Tensor:
    """(3, size * size): x, y and 1 of each pixel, row by row."""
    steps = (torch.arange(size, device=device) * 2 + 1) / size - 1
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)]).view(3, -1)


def footprint(matrix: Tensor) -> Tensor:
    """(N,) how many plate units one crop unit covers at the centre: above 1 the plate is small.

    The square root of the homography's Jacobian determinant at the origin.
    """
    weight = matrix[:, 2, 2]
    jacobian = matrix[:, :2, :2] - matrix[:, :2, 2:] * matrix[:, 2:, :2] / weight[:, None, None]
    jacobian = jacobian / weight[:, None, None]
    area = jacobian[:, 0, 0] * jacobian[:, 1, 1] - jacobian[:, 0, 1] * jacobian[:, 1, 0]
    return area.abs().sqrt()


def warp(pictures: Tensor, matrix: Tensor) -> Tensor:
    """Resample opaque pictures by a homography from output to input coordinates, bilinearly.

    Args:
        pictures: (N, C, S, S) float; beyond the edge the edge goes on.
        matrix: (N, 3, 3), output pixel p shows `matrix @ p`; [-1, 1] runs from edge to edge.
    """
    grid = plate_coordinates(matrix, pictures.shape[-1])
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
