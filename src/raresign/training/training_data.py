"""Everything that a stage draws its batches from, resident on the training device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from raresign.crops.splits import choose_pseudo_rare, near_duplicate_clusters, split_validation
from raresign.errors import InputError
from raresign.framing.finder import Framing
from raresign.seeds import mix_integers
from raresign.signs.catalogue.folder_classes import is_own_mirror
from raresign.signs.catalogue.other_signs import other_signs
from raresign.signs.catalogue.pictures import class_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.catalogue.twins import mirror_similarity
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.batch import Synthesiser
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import load_preset
from raresign.synthesis.synthesiser import build_synthesiser
from raresign.training.stage import Stage

_EXACT_MIRROR = 0.85  # least mirror similarity of twins; real pairs reach 0.99, the next pair 0.77

_MOST_TURNS = 8
_OTHERS = 1  # sets the draws of other signs apart from those of the classes


@dataclass(frozen=True)
class Split:
    """Which real crops train and which measure, as int64 indices."""

    training: np.ndarray
    """Crops that every stage may train on."""
    validation: np.ndarray
    """Frequent crops that only measure."""
    pseudo_rare: np.ndarray
    """Crops of the classes that play rare."""
    pseudo_rare_labels: tuple[int, ...]


def split_crops(
    crops: np.ndarray,
    labels: np.ndarray,
    catalogue: SignCatalogue,
    pseudo_rare: float,
    validation: float,
    seed: int,
) -> Split:
    """Choose the pseudo-rare classes and the validation crops among the frequent real crops.

    Args:
        crops, labels: (N, 3, S, S) uint8 and (N,) int64; rows with -1 serve nothing.
        pseudo_rare: Share of the frequent classes that play rare.
        validation: Share of the other crops that measure; near-duplicates stay on one side.
    """
    frequent = set(catalogue.labels_of_type("freq"))
    counts = {label: n for label in frequent if (n := int((labels == label).sum()))}
    chosen: list[int] = []
    if pseudo_rare and len(counts) > 1:
        chosen = choose_pseudo_rare(catalogue, counts, pseudo_rare, seed)
    plays_rare = np.isin(labels, chosen)
    measured = np.zeros(len(labels), dtype=bool)
    rest = np.flatnonzero(~plays_rare & (labels >= 0))
    if validation and len(rest):
        clusters = near_duplicate_clusters(crops[rest], labels=labels[rest])
        measured[rest] = split_validation(labels[rest], clusters, validation, seed)
    return Split(
        np.flatnonzero(~plays_rare & ~measured & (labels >= 0)),
        np.flatnonzero(measured),
        np.flatnonzero(plays_rare),
        tuple(sorted(chosen)),
    )


@dataclass
class TrainingData:
    """Real crops, icons and backgrounds as tensors on one device.

    Args:
        crops, labels: (N, 3, S, S) uint8 real crops and (N,) int64.
        pictures: Backgrounds, (H, W, 3) uint8 each.
        framing: How the crops were framed.
        hidden: Classes that training and rules must know nothing of, see `free_signs`.
        new: How many classes, the last ones, the net has just got; it knows the others.
    """

    catalogue: SignCatalogue
    crops: Tensor
    labels: Tensor
    split: Split
    pictures: Sequence[np.ndarray]
    size: int
    seed: int
    framing: Framing = "whole"
    hidden: tuple[SignClass, ...] = ()
    new: int = 0
    _icons: dict[torch.device, IconAtlas] = field(default_factory=dict)
    _backgrounds: dict[torch.device, BackgroundAtlas] = field(default_factory=dict)

    def __deepcopy__(self, memo: dict[int, Any]) -> TrainingData:
        """Shared, as nothing in it changes: a copied model must not copy the data set."""
        return self

    def with_new(self, signs: Sequence[SignClass]) -> TrainingData:
        """The same with more classes, behind the others, of which a net knows nothing yet."""
        catalogue = self.catalogue.extended(signs)
        return replace(self, catalogue=catalogue, new=len(signs), _icons={}, _backgrounds={})

    def training_indices(self, hold_out: bool) -> np.ndarray:
        """(T,) int64 indices of the real crops that a stage trains on."""
        if hold_out:
            return self.split.training
        return np.flatnonzero(self.labels.numpy() >= 0)

    def trained_on(self, stages: Sequence[Stage]) -> np.ndarray:
        """(T,) int64 indices of the real crops that any of some stages trains on."""
        real = [stage for stage in stages if stage.real or stage.balanced]
        parts = [self.training_indices(stage.hold_out) for stage in real]
        return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))

    @property
    def turns(self) -> np.ndarray:
        """(C,) int64: how often the plan of synthetic crops names each class in a round.

        New classes get half of the crops, but none more than `_MOST_TURNS` times those of another.
        """
        turns = np.ones(len(self.catalogue), np.int64)
        if self.new:
            known = len(turns) - self.new
            turns[known:] = min(max(1, round(known / self.new)), _MOST_TURNS)
        return turns

    def mirror_labels(self) -> Tensor:
        """(C,) int64: the label of each class's mirror image, its own if symmetric, -1 if none.

        A twin counts only if its icon is the exact mirror image: the bar of 3.18.1 and 3.18.2
        slants the same way in both, so a mirrored photo of one is not the other.
        """
        mirrors = []
        for label, sign in enumerate(self.catalogue.classes):
            mirror, exact = label, is_own_mirror(sign)
            if sign.twin is not None:
                mirror = self.catalogue.label_of(sign.twin)
                icons = class_pictures(sign)[0], class_pictures(self.catalogue[mirror])[0]
                exact = mirror_similarity(*icons) >= _EXACT_MIRROR
            mirrors.append(mirror if exact else -1)
        return torch.tensor(mirrors)

    @cached_property
    def others(self) -> SignCatalogue:
        """Signs outside the catalogue that a stage may train on."""
        return other_signs(self.catalogue, self.seed, self.hidden)

    def other_synthesiser(self, preset: str, stage: int, device: torch.device) -> Synthesiser:
        """As `synthesiser`, of the signs outside the catalogue."""
        return build_synthesiser(
            load_preset(preset),
            IconAtlas.from_catalogue(self.others, self.size, device),
            self.backgrounds(device),
            mix_integers(self.seed, stage, _OTHERS),
        )

    def synthesiser(self, preset: str, stage: int, device: torch.device) -> Synthesiser:
        """The engine of a preset (a name or a file); each stage draws crops of its own."""
        if device not in self._icons:
            self._icons[device] = IconAtlas.from_catalogue(self.catalogue, self.size, device)
        icons, backgrounds = self._icons[device], self.backgrounds(device)
        seed = mix_integers(self.seed, stage)
        return build_synthesiser(load_preset(preset), icons, backgrounds, seed)

    def backgrounds(self, device: torch.device) -> BackgroundAtlas:
        """The photos on a device."""
        if device not in self._backgrounds:
            atlas = BackgroundAtlas.from_pictures(self.pictures, self.size, device)
            self._backgrounds[device] = atlas
        return self._backgrounds[device]


def check_training_data(catalogue: SignCatalogue, labels: np.ndarray, needs_real: bool) -> None:
    """Stop before an hour of training if there is nothing to train on.

    Raises:
        InputError: No real crop carries a known label, though a stage wants real crops.
    """
    if needs_real and not (labels >= 0).any():
        raise InputError(
            f"none of the {len(labels)} real crops belongs to one of the {len(catalogue)} classes",
            "name the class folders as classes.json does, or use a recipe of synthetic stages",
        )
