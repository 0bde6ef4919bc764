"""Where the sign ends in a synthetic crop: the box around its icon's outline, seen in its pose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.spatial import ConvexHull
from torch import Tensor

from raresign.synthesis.batch import SyntheticBatch
from raresign.synthesis.effects.geometry import Pose, inverse

_DIRECTIONS = 24
_OPAQUE = 128


def icon_outlines(pictures: Sequence[np.ndarray]) -> Tensor:
    """(M, 24, 2) corners of the convex outline of (S, S, 4) uint8 icons, in plate coordinates.

    The farthest opaque point in each of 24 directions; an icon covers [-1, 1] both ways.
    """
    angle = np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS
    directions = np.stack([np.cos(angle), np.sin(angle)])
    outlines = []
    for picture in pictures:
        y, x = np.nonzero(picture[..., 3] >= _OPAQUE)
        corners = [np.stack([x + right, y + down], 1) for right in (0, 1) for down in (0, 1)]
        points = np.concatenate(corners) * 2 / len(picture) - 1
        points = points[ConvexHull(points).vertices]
        outlines.append(points[(points @ directions).argmax(0)])
    return torch.from_numpy(np.stack(outlines)).float()


def sign_boxes(made: SyntheticBatch, pose: Pose, outlines: Tensor) -> Tensor:
    """(N, 4) middle x and y, half width and half height of the sign in synthetic crops.

    Args:
        made: Rendered with `record=True`.
        pose: That of the preset that made them.
        outlines: From `icon_outlines`, a row for each row of the icon atlas.

    Returns:
        In units in which the crop runs from -1 to 1; beyond that for a sign that is cut.
    """
    assert made.params is not None
    named = (name.partition(".") for name in made.params if name.startswith("pose."))
    values = {field: made.params[f"{effect}.{field}"] for effect, _, field in named}
    to_crop = inverse(pose.matrix(values))
    points = outlines[made.params["icon"].long()]
    seen = torch.cat([points, torch.ones_like(points[..., :1])], 2) @ to_crop.mT
    low, high = (seen[..., :2] / seen[..., 2:]).aminmax(dim=1)
    return torch.cat([(low + high) / 2, (high - low) / 2], 1)
