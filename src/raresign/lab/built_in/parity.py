"""Two recognisers of the same signs compared on fresh synthetic crops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import load_preset
from raresign.synthesis.synthesiser import build_synthesiser


@dataclass(frozen=True)
class Parity:
    """How alike two recognisers answer.

    Attributes:
        crops: How many they both answered.
        equal_classes: Share of crops whose most probable class is the same.
        equal_answers: Share whose level is the same, too.
        largest_difference: Of the probabilities of any class.
        right: Share whose most probable class is the crop's own, by the first recogniser.
        right_after: The same by the second.
    """

    crops: int
    equal_classes: float
    equal_answers: float
    largest_difference: float
    right: float
    right_after: float


def fresh_crops(
    catalogue: SignCatalogue, preset: str, size: int, each: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3, S, S) uint8 synthetic crops and (N,) labels, `each` of every class."""
    icons = IconAtlas.from_catalogue(catalogue, size)
    backgrounds = BackgroundAtlas.from_pictures(procedural_backgrounds(24, seed=seed), size)
    engine = build_synthesiser(load_preset(preset), icons, backgrounds, seed)
    labels = torch.arange(len(catalogue)).repeat_interleave(each)
    parts = zip(labels.split(512), torch.arange(len(labels)).split(512), strict=True)
    made = torch.cat([engine.render(*part).crops.mul(255).round().byte() for part in parts])
    return made.numpy(), labels.numpy()


def compare_answers(
    one: Recogniser, other: Recogniser, crops: np.ndarray, labels: np.ndarray
) -> Parity:
    """Let both answer the crops, (N, 3, S, S) uint8, N at least 1, of (N,) labels."""
    first, second = one.recognise(crops), other.recognise(crops)
    classes, after = (said.probabilities.argmax(1) for said in (first, second))
    same = classes == after
    alike = same & (np.array(first.level_names()) == np.array(second.level_names()))
    apart = np.abs(first.probabilities - second.probabilities).max()
    return Parity(
        crops=len(crops),
        equal_classes=float(same.mean()),
        equal_answers=float(alike.mean()),
        largest_difference=float(apart),
        right=float(np.mean(classes == labels)),
        right_after=float(np.mean(after == labels)),
    )
