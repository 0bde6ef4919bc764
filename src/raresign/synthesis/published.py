"""The published generator on batches of tensors, constant by constant.

`lab/published_generator.py` holds the same recipe picture by picture; a test holds them together.
"""

from __future__ import annotations

import math
import re

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from raresign.errors import InputError
from raresign.randomness import CropRandom
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.batch import SyntheticBatch
from raresign.synthesis.effect import Params, quantile
from raresign.synthesis.effects.geometry import plate_coordinates
from raresign.synthesis.effects.sensor import along_both, enlarging_matrix, shrinking_matrix
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import ReferencePreset

_AT_ONCE = 256
"""Crops that are composed at a time on a CPU."""


class ReferenceSynthesiser:
    """Resize, pad, rotate, blur twice, darken, paste on a squashed photo.

    The generator's picture has 16 to about 190 pixels and is later resized to the crop. Here the
    sign is drawn at the crop's size, shrunk to the generator's pixels by a matrix that contains
    both blurs (the box filter as a Gaussian of the same variance), composed there, and enlarged.

    Raises:
        InputError: With `fault_prefix_icons`, a class code is no regular expression.
    """

    def __init__(
        self, preset: ReferencePreset, icons: IconAtlas, backgrounds: BackgroundAtlas, seed: int
    ) -> None:
        self.preset = preset
        self.backgrounds = backgrounds
        self.seed = seed
        # The smallest level that is as large as the crop, then its size exactly.
        side = min((side for side in icons.sides if side >= icons.size), default=icons.sides[0])
        drawn = torch.stack([icons.icon(row, side) for row in range(len(icons.codes))])
        drawn = F.interpolate(drawn, size=(icons.size, icons.size), mode="area")
        alpha = drawn[:, 3:]
        # The reference filters straight colours, with black where the icon is transparent.
        colour = drawn[:, :3] / alpha.clamp(min=1e-3) * (alpha > 0)
        self._straight = torch.cat([colour, alpha], 1)
        rows = [torch.tensor(self._icons_of(icons, label)) for label in range(len(icons.first))]
        device = icons.picture.device
        self._rows = pad_sequence(rows, batch_first=True).to(device)  # (C, most icons a label)
        self._count = torch.tensor([len(own) for own in rows], device=device)

    def _icons_of(self, icons: IconAtlas, label: int) -> list[int]:
        first, count = int(icons.first[label]), int(icons.count[label])
        rows = list(range(first, first + count))
        if self.preset.fault_prefix_icons:
            pattern = icons.codes[first]
            try:
                rows = [row for row, code in enumerate(icons.codes) if re.search(pattern, code)]
            except re.error as error:
                raise InputError(
                    f"class code {pattern!r} is no regular expression: {error}",
                    "switch fault_prefix_icons off",
                ) from error
        shown: dict[tuple[str, int], int] = {}  # the upright one comes first of those of an icon
        for row in rows:
            shown.setdefault((icons.codes[row], icons.sources[row]), row)
        return list(shown.values())

    def sample(self, n: int, random: CropRandom) -> Params:
        """Draw the reference's parameters, in its own units (pixels, degrees); all (n,)."""
        preset = self.preset
        side = random.integers(int(preset.icon_pixels[0]), int(preset.icon_pixels[1]))
        padding = random.below((side * preset.padding).long() + 1)
        angle = random.integers(int(preset.rotation[0]), int(preset.rotation[1]))
        frame = rotated_side(side + padding, angle)
        room = (frame * preset.background_growth).long() + 1
        grow_x, grow_y = random.below(room), random.below(room)
        return {
            "side": side,
            "padding": padding,
            "angle": angle,
            "frame": frame,
            "brightness": quantile(random.uniform(0.0, 1.0), preset.brightness),
            "background": random.integers(0, len(self.backgrounds.squashed) - 1),
            "grow_x": grow_x,
            "grow_y": grow_y,
            "left": random.below(grow_x + 1),
            "top": random.below(grow_y + 1),
            "flip": random.happens(0.5),
        }

    @torch.no_grad()
    def render(self, labels: Tensor, numbers: Tensor, record: bool = False) -> SyntheticBatch:
        """See `Synthesiser.render`; the reference refuses nothing."""

        random = CropRandom.from_seed(self.seed, numbers)
        params = self.sample(len(labels), random.stream("reference"))
        chance = random.stream("icon").uniform(0.0, 1.0)
        count = self._count[labels]
        rows = self._rows[labels, (chance * count).long()]
        # On a CPU, large batches would only fall out of its caches.
        parts = torch.arange(len(labels), device=labels.device).split(
            _AT_ONCE if labels.device.type == "cpu" else max(1, len(labels))
        )
        made = [self._made(rows[part], random.take(part), params, part) for part in parts]
        crops = torch.cat(made)
        kept = {f"reference.{name}": values for name, values in params.items()} | {"icon": rows}
        return SyntheticBatch(
            crops, labels, torch.ones_like(labels), len(labels), kept if record else None
        )

    def _made(self, rows: Tensor, random: CropRandom, params: Params, part: Tensor) -> Tensor:
        """The crops of a part of a batch."""
        mine = {name: values[part] for name, values in params.items()}
        if self.preset.squash_background:
            behind = self.backgrounds.squashed[mine["background"]].float() / 255
        else:
            behind = self.backgrounds.crop(random)
        return self.apply(self._straight[rows], behind, mine)

    def apply(self, icons: Tensor, behind: Tensor, params: Params) -> Tensor:
        """Compose (N, 4, S, S) straight RGBA icons and (N, 3, S, S) backgrounds to crops."""
        size = icons.shape[-1]
        width = (params["frame"] + params["grow_x"]).float()
        height = (params["frame"] + params["grow_y"]).float()
        grid = plate_coordinates(self._placement(params, width, height), size)
        placed = F.grid_sample(icons, grid, align_corners=False)

        variance = (self.preset.box_blur**2 - 1) / 12 + self.preset.gaussian_radius**2
        across = self._grid(width, size, math.sqrt(variance))
        down = self._grid(height, size, math.sqrt(variance))
        sharp_across, sharp_down = self._grid(width, size, 0.0), self._grid(height, size, 0.0)
        sign = along_both(placed, down, across)
        scene = along_both(behind, sharp_down, sharp_across)
        alpha = sign[:, 3:]
        colour = sign[:, :3] * params["brightness"][:, None, None, None]
        crops = colour * alpha + scene * (1 - alpha)

        bilinear = torch.zeros_like(width)
        enlarge_x = enlarging_matrix(width.clamp(max=size), bilinear, size, size)
        enlarge_y = enlarging_matrix(height.clamp(max=size), bilinear, size, size)
        crops = along_both(crops, enlarge_y, enlarge_x).clamp(0, 1)
        if self.preset.fault_flips:
            crops = torch.where(params["flip"][:, None, None, None], crops.flip(3), crops)
        return crops.contiguous()

    @staticmethod
    def _grid(pixels: Tensor, size: int, blur: float) -> Tensor:
        """Shrinking matrix to `pixels` (at most `size`) with a blur in generator pixels."""
        kept = pixels.clamp(max=float(size))
        return shrinking_matrix(kept, blur * kept / pixels, size, size)

    @staticmethod
    def _placement(params: Params, width: Tensor, height: Tensor) -> Tensor:
        """(N, 3, 3) map from crop coordinates to icon coordinates, both over [-1, 1]."""
        side, padding = params["side"].float(), params["padding"]
        radians = params["angle"].float() * (math.pi / 180)
        cos, sin = radians.cos(), radians.sin()
        # Crop coordinate -> pixel offset from the rotated frame's centre.
        scale_x, scale_y = width / 2, height / 2
        shift_x = width / 2 - params["left"] - params["frame"].float() / 2
        shift_y = height / 2 - params["top"] - params["frame"].float() / 2
        # Undo the rotation (Pillow turns counter-clockwise, y points down), then the padding.
        half = side / 2
        centre = (side + padding) / 2 - padding // 2 - half
        matrix = torch.zeros(len(side), 3, 3, device=side.device)
        matrix[:, 0, 0], matrix[:, 0, 1] = cos * scale_x / half, -sin * scale_y / half
        matrix[:, 0, 2] = (cos * shift_x - sin * shift_y + centre) / half
        matrix[:, 1, 0], matrix[:, 1, 1] = sin * scale_x / half, cos * scale_y / half
        matrix[:, 1, 2] = (sin * shift_x + cos * shift_y + centre) / half
        matrix[:, 2, 2] = 1.0
        return matrix


def rotated_side(side: Tensor, angle: Tensor) -> Tensor:
    """(N,) int64 side of the square that holds a square of `side` px turned by `angle` degrees."""
    radians = angle.double() * (math.pi / 180)
    reach = side.double() / 2 * (radians.cos().abs() + radians.sin().abs())
    middle = side.double() / 2
    # Rounded against float dust, as 0 degrees must not grow the frame.
    upper = (middle + reach).mul(1e6).round().div(1e6).ceil()
    lower = (middle - reach).mul(1e6).round().div(1e6).floor()
    return (upper - lower).long()
