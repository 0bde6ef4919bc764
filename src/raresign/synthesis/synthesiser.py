"""From labels to crops: the one engine behind training, `raresign synth` and the benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from raresign.errors import InputError
from raresign.randomness import CropRandom
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.effect import apply_colour, compose_colour
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import ReferencePreset, RoadPreset
from raresign.synthesis.reference import ReferenceSynthesiser


@dataclass(frozen=True)
class SyntheticBatch:
    """What a synthesiser returns.

    Args:
        crops: (N, 3, S, S) float32 in [0, 1].
        labels: (N,) int64, as asked for.
        tries: (N,) int64, 1 where the first draw was legible; each refusal adds 1.

    Example:
        >>> made = SyntheticBatch(torch.rand(2, 3, 8, 8), torch.arange(2), torch.tensor([1, 3]))
        >>> made.refused
        2
    """

    crops: Tensor
    labels: Tensor
    tries: Tensor

    @property
    def refused(self) -> int:
        """How many draws the quality guard refused."""
        return int((self.tries - 1).sum())


class Synthesiser(Protocol):
    """Renders crops; crop number k of a seed is the same in every batch."""

    def render(self, labels: Tensor, numbers: Tensor) -> SyntheticBatch:
        """Render one crop for each label.

        Args:
            labels: (N,) int64 labels, all >= 0.
            numbers: (N,) int64 serial numbers; with the seed they decide every draw.
        """


class RoadSynthesiser:
    """The `road` engine: surface, scene, lens and sensor, in the order of the light.

    Example:
        >>> from raresign.embedded import procedural_backgrounds, render_sign
        >>> codes = ("3.24.n60", "4.1.1")
        >>> icons = IconAtlas.from_pictures([render_sign(code, 64) for code in codes], codes)
        >>> backgrounds = BackgroundAtlas.from_pictures(procedural_backgrounds(2, seed=0), 64)
        >>> road = RoadSynthesiser(RoadPreset(), icons, backgrounds, seed=7)
        >>> batch = road.render(torch.tensor([0, 1, 1]), torch.tensor([10, 11, 12]))
        >>> batch.crops.shape
        torch.Size([3, 3, 64, 64])
        >>> alone = road.render(torch.tensor([1]), torch.tensor([12]))
        >>> bool(torch.allclose(alone.crops[0], batch.crops[2], atol=1e-4))
        True
    """

    def __init__(
        self, preset: RoadPreset, icons: IconAtlas, backgrounds: BackgroundAtlas, seed: int
    ) -> None:
        self.preset = preset
        self.icons = icons
        self.backgrounds = backgrounds
        self.seed = seed

    @torch.no_grad()
    def render(self, labels: Tensor, numbers: Tensor) -> SyntheticBatch:
        """See `Synthesiser.render`; an illegible crop is drawn again, a few times at most."""
        guard = self.preset.guard
        random = CropRandom.from_seed(self.seed, numbers)
        crops, legible = self._draw(labels, random)
        tries = torch.ones_like(labels)
        if guard.enabled:
            for attempt in range(1, guard.tries):
                rows = (~legible).nonzero().squeeze(1)
                if not len(rows):
                    break
                again = random.take(rows).stream(f"attempt {attempt}")
                crops[rows], legible[rows] = self._draw(labels[rows], again)
                tries[rows] += 1
            tries += ~legible
        return SyntheticBatch(crops, labels, tries)

    def _draw(self, labels: Tensor, random: CropRandom) -> tuple[Tensor, Tensor]:
        """One draw of every crop and whether it is legible."""
        preset = self.preset
        icons = self.icons.icons[self.icons.pick(labels, random)]
        placed = preset.pose(icons, random)  # (N, 4, S, S) premultiplied

        light = compose_colour(
            preset.colour_cast.drawn_matrix(random), preset.haze.drawn_matrix(random)
        )
        surface = compose_colour(
            preset.fading.drawn_matrix(random), preset.sign_exposure.drawn_matrix(random)
        )
        sign = apply_colour(placed, compose_colour(surface, light))
        behind = preset.background.exposure.drawn_matrix(random.stream("behind"))
        scene = apply_colour(self._background(random), compose_colour(behind, light))

        crops = sign[:, :3] + scene * (1 - sign[:, 3:])
        crops = preset.light_gradient(crops, random)
        crops = preset.motion_blur(crops, random)
        crops = preset.tone_curve(crops, random)
        crops = preset.sensor(crops.clamp_(0, 1), random).clamp_(0, 1)
        if not preset.guard.enabled:
            return crops, torch.ones_like(labels, dtype=torch.bool)
        return crops, preset.guard.legible(placed, crops)

    def _background(self, random: CropRandom) -> Tensor:
        """Crops of the photos; a share of them one plain colour, more often pale than vivid."""
        scene = self.backgrounds.crop(random)
        stream = random.stream("flat background")
        flat = stream.happens(self.preset.background.flat)[:, None, None, None]
        grey, vividness = stream.uniform(0.0, 1.0, 1), stream.uniform(0.0, 1.0, 1) ** 2
        colour = torch.lerp(grey, stream.uniform(0.0, 1.0, 3), vividness)
        return torch.where(flat, colour[:, :, None, None], scene)


def build_synthesiser(
    preset: RoadPreset | ReferencePreset,
    icons: IconAtlas,
    backgrounds: BackgroundAtlas,
    seed: int,
) -> Synthesiser:
    """The engine that this preset names.

    Args:
        preset: From `load_preset`.
        icons: The icons of the classes, S pixels wide.
        backgrounds: The photos behind them, for crops of the same S pixels.
        seed: With a crop's number it decides every draw.

    Raises:
        InputError: Icons and backgrounds differ in size.

    Example:
        >>> from raresign.embedded import procedural_backgrounds, render_sign
        >>> from raresign.synthesis import load_preset
        >>> icons = IconAtlas.from_pictures([render_sign("4.1.1", 32)], ["4.1.1"])
        >>> backgrounds = BackgroundAtlas.from_pictures(procedural_backgrounds(1, seed=0), 32)
        >>> engine = build_synthesiser(load_preset("reference"), icons, backgrounds, seed=0)
        >>> engine.render(torch.tensor([0, 0]), torch.tensor([0, 1])).crops.shape
        torch.Size([2, 3, 32, 32])
    """
    side = icons.icons.shape[-1]
    if side != backgrounds.size:
        raise InputError(
            f"icons of {side} pixels on backgrounds of {backgrounds.size}",
            "build both atlases for the same crop size",
        )
    if isinstance(preset, RoadPreset):
        return RoadSynthesiser(preset, icons, backgrounds, seed)
    return ReferenceSynthesiser(preset, icons, backgrounds, seed)
