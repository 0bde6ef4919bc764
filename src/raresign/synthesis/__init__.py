"""Synthesis: made crops from icons and backgrounds, in batches, on any device."""

from __future__ import annotations

from raresign.synthesis.augment import Augmentation
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.effect import ColourEffect, CropEffect, Effect, Params, SignEffect
from raresign.synthesis.groups import GROUPS, neutral, without
from raresign.synthesis.guard import Guard
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import (
    ReferencePreset,
    RoadPreset,
    load_preset,
    preset_names,
)
from raresign.synthesis.reference import ReferenceSynthesiser
from raresign.synthesis.reference_pillow import reference_crop
from raresign.synthesis.synthesiser import (
    RoadSynthesiser,
    Synthesiser,
    SyntheticBatch,
    build_synthesiser,
)
from raresign.synthesis.validation import no_setting, validation_problem

__all__ = [
    "GROUPS",
    "Augmentation",
    "BackgroundAtlas",
    "ColourEffect",
    "CropEffect",
    "Effect",
    "Guard",
    "IconAtlas",
    "Params",
    "ReferencePreset",
    "ReferenceSynthesiser",
    "RoadPreset",
    "RoadSynthesiser",
    "SignEffect",
    "Synthesiser",
    "SyntheticBatch",
    "build_synthesiser",
    "load_preset",
    "neutral",
    "no_setting",
    "preset_names",
    "reference_crop",
    "validation_problem",
    "without",
]
