"""The synthesiser that a preset asks for."""

from __future__ import annotations

from raresign.errors import InputError
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.batch import Synthesiser
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import ReferencePreset, RoadPreset
from raresign.synthesis.published import ReferenceSynthesiser
from raresign.synthesis.road import RoadSynthesiser


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
        >>> import torch
        >>> from raresign.simulated.backgrounds import procedural_backgrounds
        >>> from raresign.signs.countries.drawn_sign import render_sign
        >>> from raresign.synthesis.preset import load_preset
        >>> icons = IconAtlas.from_pictures([render_sign("4.1.1", 32)], ["4.1.1"], 32)
        >>> backgrounds = BackgroundAtlas.from_pictures(procedural_backgrounds(1, seed=0), 32)
        >>> engine = build_synthesiser(load_preset("reference"), icons, backgrounds, seed=0)
        >>> engine.render(torch.tensor([0, 0]), torch.tensor([0, 1])).crops.shape
        torch.Size([2, 3, 32, 32])
    """
    if icons.size != backgrounds.size:
        raise InputError(
            f"icons for crops of {icons.size} pixels on backgrounds of {backgrounds.size}",
            "build both atlases for the same crop size",
        )
    if isinstance(preset, RoadPreset):
        return RoadSynthesiser(preset, icons, backgrounds, seed)
    return ReferenceSynthesiser(preset, icons, backgrounds, seed)
