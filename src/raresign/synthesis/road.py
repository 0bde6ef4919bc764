"""The road synthesiser: from labels to crops, behind training, `synth` and the benchmarks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.batch import SyntheticBatch
from raresign.synthesis.draws import CropDraws
from raresign.synthesis.effect import apply_colour, compose_colour, over
from raresign.synthesis.effects.geometry import footprint, plate_coordinates
from raresign.synthesis.effects.scene import OtherSign, with_other_sign
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import RoadPreset

# Names of the preset's fields, in the order of the light.
_PAINT = ("fading", "sign_exposure")
_SURFACE = ("dirt", "peeling", "scratches", "stickers", "rust", "dents", "glare")
_LIGHT = ("light_gradient", "shadow", "specular", "backlight", "night", "rain", "snow")
_LENS = ("motion_blur", "chromatic_aberration")
_AIR = ("exposure", "colour_cast", "haze", "saturation")
_LEAST_CANVAS = 8
"""Pixels across; some effects need room."""
_ELECTRONICS = ("noise", "demosaic", "tone_curve", "sharpening", "jpeg")


class RoadSynthesiser:
    """The `road` engine: surface, scene, lens and sensor, in the order of the light."""

    def __init__(
        self, preset: RoadPreset, icons: IconAtlas, backgrounds: BackgroundAtlas, seed: int
    ) -> None:
        self.preset = preset
        self.icons = icons
        self.backgrounds = backgrounds
        self.seed = seed
        self._effects = preset.effects()
        self._canvases = _canvases(icons.size, preset.sensor.pixels[-1])

    @torch.no_grad()
    def render(self, labels: Tensor, numbers: Tensor, record: bool = False) -> SyntheticBatch:
        """See `Synthesiser.render`; an illegible crop is drawn again, a few times at most."""
        random = CropRandom.from_seed(self.seed, numbers)
        crops, legible, params = self._draw(labels, random, record, self._canvases)
        tries = 1 + (~legible).long()
        rows = (~legible).nonzero().squeeze(1)
        count = len(labels)
        for attempt in range(1, self.preset.guard.tries):
            if not len(rows):
                break
            count += len(rows)
            again = random.take(rows).stream(f"attempt {attempt}")
            # They are few: on one canvas, as each costs a round of calls.
            drawn = self._draw(labels[rows], again, record, self._canvases[-1:])
            crops.index_copy_(0, rows, drawn[0])
            for name, values in drawn[2].items():
                params[name].index_copy_(0, rows, values)
            rows = rows[~drawn[1]]
            tries[rows] += 1
        return SyntheticBatch(crops, labels, tries, count, params if record else None)

    def _draw(
        self,
        labels: Tensor,
        random: CropRandom,
        record: bool,
        canvases: tuple[tuple[int, int], ...],
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """One draw of every crop, whether it is legible, and what was drawn.

        A crop of few sensor pixels is painted on a small canvas, as no more would be seen of it.
        """
        draws = CropDraws(self._effects, random, record)
        whole = _Crops(
            draws,
            self.icons.pick(labels, random),
            self.preset.pose.matrix(draws.of("pose")[1]),
            compose_colour(draws.matrix(name) for name in _PAINT),
            compose_colour(draws.matrix(name) for name in _AIR),
        )
        draws.keep("icon", whole.icons)
        pixels = draws.of("sensor")[1]["pixels"]
        size = self.icons.size
        crops = torch.empty(len(labels), 3, size, size, device=labels.device)
        legible = torch.empty_like(labels, dtype=torch.bool)
        fewest = 0.0
        for width, grid in canvases:
            most = float(width) if (width, grid) != canvases[-1] else math.inf
            rows = ((pixels > fewest) & (pixels <= most)).nonzero().squeeze(1)
            fewest = most
            if len(rows):
                placed, finished = self._paint(whole.part(rows), width, grid)
                crops.index_copy_(0, rows, finished)
                if self.preset.guard.enabled:
                    legible.index_copy_(0, rows, self.preset.guard.legible(placed, finished))
        if not self.preset.guard.enabled:
            legible.fill_(True)
        return crops, legible, draws.record

    def _paint(self, these: _Crops, canvas: int, grid: int) -> tuple[Tensor, Tensor]:
        """The sign's undamaged layer, `canvas` pixels wide, and the finished crops.

        Args:
            these: N crops.
            canvas: Pixels across, at which surface, scene, light and lens are computed.
            grid: No crop has more sensor pixels across.
        """
        draws = these.draws
        plate = plate_coordinates(these.pose, canvas)
        reach = footprint(these.pose)
        placed = self.icons.look_up(these.icons, plate, reach)  # (N, 4, canvas, canvas)

        sign = apply_colour(placed, these.paint)
        for name in _SURFACE:
            sign = draws.on_sign(name, sign, plate)
        sign = self._mounted(draws, sign, plate, reach)
        crops = over(sign, self._scene(draws, canvas))
        for name in _LIGHT:
            crops = draws.on_crops(name, crops)
        crops = self._occluded(draws, crops)
        for name in _LENS:
            crops = draws.on_crops(name, crops)
        return placed, self._photographed(these, crops, grid)

    def _mounted(self, draws: CropDraws, sign: Tensor, plate: Tensor, reach: Tensor) -> Tensor:
        """The sign on its board and pole, beside its neighbour."""
        neighbour = self.preset.neighbour

        def beside(layer: Tensor, params: dict[str, Tensor], rows: Tensor | None) -> Tensor:
            its = plate if rows is None else plate[rows]
            own = neighbour.neighbour_plate(its, params)
            which = (params["which"] * len(self.icons.codes)).long()
            near = (reach if rows is None else reach[rows]) / params["scale"]
            return neighbour.apply(layer, self.icons.look_up(which, own, near))

        sign = draws.on_sign("board", sign, plate)
        sign = draws.change("neighbour", sign, beside)
        return draws.on_sign("pole", sign, plate)

    def _scene(self, draws: CropDraws, canvas: int) -> Tensor:
        """What stands behind the sign."""
        _, params = draws.of("background")
        photos = self.backgrounds.crop(draws.random, canvas)
        scene = self.preset.background.scene(photos, params)
        return self._with_other_sign("sign_behind", draws, scene)

    def _occluded(self, draws: CropDraws, crops: Tensor) -> Tensor:
        """What stands before the sign."""
        crops = self._with_other_sign("sign_before", draws, crops)
        for name in ("branches", "post", "frame_edge"):
            crops = draws.on_crops(name, crops)
        return crops

    def _with_other_sign(self, name: str, draws: CropDraws, crops: Tensor) -> Tensor:
        effect: OtherSign = getattr(self.preset, name)
        return draws.change(
            name, crops, lambda part, params, _: with_other_sign(effect, part, self.icons, params)
        )

    def _photographed(self, these: _Crops, crops: Tensor, grid: int) -> Tensor:
        """Sensor, electronics and file, at the sensor's own resolution; then the crop's size."""
        _, lens = these.draws.of("sensor")
        seen = apply_colour(self.preset.sensor.see(crops, lens, grid), these.air).clamp_(0, 1)
        for name in _ELECTRONICS:
            seen = these.draws.on_crops(name, seen)
        crops = self.preset.sensor.enlarge(seen, lens, self.icons.size).clamp_(0, 1)
        return these.draws.on_crops("tight_box", crops)


@dataclass(frozen=True)
class _Crops:
    """What is known of N crops before a pixel is painted.

    Args:
        draws: What the effects draw for them.
        icons: (N,) rows of the icon atlas.
        pose: (N, 3, 3) from the crop's coordinates to the plate's.
        paint: (N, 3, 4) colour maps of the sign's inks and light.
        air: (N, 3, 4) colour maps of the air and the camera.
    """

    draws: CropDraws
    icons: Tensor
    pose: Tensor
    paint: Tensor
    air: Tensor

    def part(self, rows: Tensor) -> _Crops:
        """These of them."""
        values = (self.icons, self.pose, self.paint, self.air)
        return _Crops(self.draws.part(rows), *(value.index_select(0, rows) for value in values))


def _canvases(size: int, most_pixels: float) -> tuple[tuple[int, int], ...]:
    """Canvas widths, narrowest first, and the most sensor pixels across that each is for."""
    widths = sorted({max(_LEAST_CANVAS, size * eighths // 8) for eighths in (3, 4, 6)} | {size})
    most = min(math.ceil(most_pixels), size)
    enough = next(k for k, width in enumerate(widths) if width >= most)
    return tuple((width, min(width, -(-most // 8) * 8)) for width in widths[: enough + 1])
