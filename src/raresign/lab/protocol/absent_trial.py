"""Classes that are absent from training altogether: they play unknown, then come by add-class."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from raresign.answers.head import Head
from raresign.answers.known_score import energy
from raresign.commands.added.fit_added import crops_of_new
from raresign.commands.data_folder import DataFolder
from raresign.crops.pack import CropPack
from raresign.errors import InputError
from raresign.files import whole_file, write_json
from raresign.fitting.added_classes import fit_new_classes
from raresign.fitting.forecast_facts import class_facts
from raresign.fitting.recogniser_fit import (
    build_recogniser,
    fit_rules,
    fit_synthetic_rules,
    no_sign_crops,
)
from raresign.fitting.synthetic_outputs import index_outputs
from raresign.fitting.tuning import known_part, renewed_head, tune, tuning_stage
from raresign.lab.protocol.folds import Fold
from raresign.models.folding import folded
from raresign.models.outputs import Outputs, TorchEncoder, net_outputs, tensor_outputs
from raresign.models.sign_net import SignNet
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.pictures import class_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import load_preset
from raresign.synthesis.synthesiser import build_synthesiser
from raresign.training.recipe import Recipe
from raresign.training.stage_loop import fit_stages
from raresign.training.training_data import Split, TrainingData, split_crops

SCORES = ("learned", "max softmax", "energy", "max cosine")
"""Scores of how known a crop's sign is, higher is more; "max softmax" is the baseline of D.
Hendrycks, K. Gimpel, "A baseline for detecting misclassified and out-of-distribution examples in
neural networks", ICLR 2017."""
_FAR_CROPS = 1000
_TRIAL_CROPS = 16
_TUNING_STEPS = 90
"""About what two CPU cores do in a minute; steps, as trials must not hang on the machine."""


@dataclass(frozen=True)
class AbsentTrial:
    """What a net said of signs that it never saw, and how they fared once they were added.

    Attributes:
        arrays: For `known` (N crops of known frequent classes that did not train), `near` (M crops
            of absent classes) and `far` (crops without a sign): `_scores` (N, 4) by `SCORES`,
            `_level` (N,) position in `LEVELS`. `known_right` (N,) bool and `known_after` (N,) bool,
            the same when the absent classes were added; `near_family` (M,) bool, the family was
            right, `near_family_known` (M,) bool, some known class is of that family; `near_right`
            (M,) bool when added, `near_labels` (M,). `known_tuned` and `near_tuned` are
            `known_after` and `near_right` when the net was tuned for the added classes. `facts`
            (Q, 4) of the added classes in `fact_labels` (Q,).
    """

    fold: int
    seed: int
    arrays: dict[str, np.ndarray]


def run_absent(
    source: DataFolder,
    pack: CropPack,
    fold: Fold,
    recipe: Recipe,
    number: int,
    seed: int,
    folder: Path,
) -> None:
    """Train without the fold's classes, measure, add them, measure; `absent.json` comes last.

    Args:
        source: Catalogue and backgrounds; of the photos every second trains, the others measure.
        pack, number, seed, folder: See `run_trial`.
        fold: Its classes are absent.
        recipe: As for training; every stage runs as it stands.
    """
    crops = np.asarray(pack.crops)
    data, labels = _without(source, pack, fold, recipe, seed)
    net, recogniser = _trained(recipe, data, folder)
    head = recogniser.head
    absent_rows = np.sort(np.concatenate([fold.measured, fold.spare]))
    known = net_outputs(net, crops[fold.validation])
    near = net_outputs(net, crops[absent_rows])
    photos = BackgroundAtlas.from_pictures(source.backgrounds()[1::2], recipe.crop_size)
    far = tensor_outputs(net, no_sign_crops(photos, _FAR_CROPS, seed, recipe.framing))
    arrays: dict[str, np.ndarray] = {}
    for name, outputs in (("known", known), ("near", near), ("far", far)):
        said = head.judge(outputs.embedding)
        arrays[f"{name}_level"] = said.levels
        arrays[f"{name}_scores"] = np.stack(
            [
                said.known,
                said.probabilities.max(axis=1),
                energy(said.logits),
                said.cosines.max(axis=1),
            ],
            axis=1,
        )
        if name == "known":
            arrays["known_right"] = said.probabilities.argmax(1) == labels[fold.validation]
        if name == "near":
            families = np.array(said.families)
            own = np.array([sign.family for sign in source.catalogue.classes])
            truth = own[pack.labels[absent_rows]]
            arrays["near_family"] = families[said.family] == truth
            arrays["near_family_known"] = np.isin(truth, families)
    signs = [replace(source.catalogue[label], twin=None) for label in fold.classes]
    bigger, trial = _taught(net, recogniser, signs, data, recipe)
    before = len(head.families)
    after, answered, tried = (
        bigger.judge(outputs.embedding).probabilities.argmax(1) for outputs in (known, near, trial)
    )
    arrays["known_after"] = after == labels[fold.validation]
    arrays["near_labels"] = pack.labels[absent_rows]
    place = np.full(len(source.catalogue), -1)
    place[list(fold.classes)] = before + np.arange(len(signs))
    arrays["near_right"] = answered == place[pack.labels[absent_rows]]
    tuned, tuned_head = _tuned(net, recogniser.head, bigger, signs, data, recipe, folder)
    for name, rows, truth in (
        ("known", fold.validation, labels[fold.validation]),
        ("near", absent_rows, place[pack.labels[absent_rows]]),
    ):
        said = tuned_head.judge(net_outputs(tuned, crops[rows]).embedding)
        arrays[f"{name}_tuned"] = said.probabilities.argmax(1) == truth
    pictures = [class_pictures(sign, 32)[0] for sign in (*data.catalogue.classes, *signs)]
    arrays["fact_labels"] = np.array(fold.classes)
    arrays["facts"] = class_facts(
        np.arange(before, before + len(signs)),
        trial.labels + before,
        tried == trial.labels + before,
        bigger.index.class_means,
        bigger.families,
        ~bigger.rare,
        pictures,
    )
    with whole_file(folder / "absent.npz") as temporary:
        np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]
    codes = [sign.code for sign in signs]
    info = {"fold": number, "seed": seed, "icons": str(source.icons), "classes": codes}
    write_json(folder / "absent.json", {**info, "recipe": recipe.model_dump(mode="json")})


def _without(
    source: DataFolder, pack: CropPack, fold: Fold, recipe: Recipe, seed: int
) -> tuple[TrainingData, np.ndarray]:
    """Training data that know nothing of the fold's classes; (N,) labels in their catalogue."""
    signs = source.catalogue.classes
    kept = [label for label in range(len(signs)) if label not in fold.classes]
    codes = {signs[label].code for label in kept}
    left = [
        sign if sign.twin in codes else replace(sign, twin=None)
        for sign in (signs[label] for label in kept)
    ]
    smaller = SignCatalogue(left, source.catalogue.country)
    new_label = np.full(len(signs) + 1, -1)  # the last stands for crops of no known class
    new_label[kept] = np.arange(len(kept))
    labels = new_label[pack.labels]
    crops = np.asarray(pack.crops)[fold.training]
    own = labels[fold.training]
    split = split_crops(crops, own, smaller, recipe.pseudo_rare, recipe.validation, seed)
    photos, tensors = source.backgrounds()[::2], (torch.from_numpy(crops), torch.from_numpy(own))
    hidden = tuple(signs[label] for label in fold.classes)
    size, framing = recipe.crop_size, recipe.framing
    return TrainingData(smaller, *tensors, split, photos, size, seed, framing, hidden), labels


def _trained(recipe: Recipe, data: TrainingData, folder: Path) -> tuple[SignNet, Recogniser]:
    """Net and recogniser as `raresign train` makes them."""
    rules = None
    for place, net, _ in fit_stages(recipe, data, folder / "stages", quiet=True):
        if recipe.fits_rules(place):
            rules = fit_rules(net, data, recipe.index_preset, recipe.index_crops)
    rows = data.trained_on(recipe.stages)
    if rules is None and not len(rows) and recipe.recognition == "fused":
        rules = fit_synthetic_rules(net, data, recipe.index_preset, recipe.index_crops)
    return net, build_recogniser(net, data, recipe.index_preset, rules, rows, recipe.index_crops)


def _taught(
    net: SignNet, recogniser: Recogniser, signs: list[SignClass], data: TrainingData, recipe: Recipe
) -> tuple[Head, Outputs]:
    """The head with new classes, and fresh crops of them that it can be tried on."""
    catalogue = SignCatalogue(signs)
    device = torch.device("cpu")
    engine = build_synthesiser(
        load_preset(recipe.index_preset),
        IconAtlas.from_catalogue(catalogue, data.size, device),
        data.backgrounds(device),
        data.seed,
    )
    quick = folded(net)  # to rounding the same
    made = index_outputs(quick, engine, catalogue.codes, crops_of_new(len(signs)))
    bigger = recogniser.head.with_classes(fit_new_classes(recogniser, signs, made))
    return bigger, index_outputs(quick, engine, catalogue.codes, _TRIAL_CROPS, turn=1)


def _tuned(
    net: SignNet,
    earlier: Head,
    bigger: Head,
    signs: list[SignClass],
    data: TrainingData,
    recipe: Recipe,
    folder: Path,
) -> tuple[SignNet, Head]:
    """Net and head with new classes as `raresign add-class --train` makes them of `bigger`."""
    rows = data.trained_on(recipe.stages)
    crops, labels = data.crops[rows], data.labels[rows]
    every, nothing = np.arange(len(rows)), np.empty(0, np.int64)
    kept = replace(data, crops=crops, labels=labels, split=Split(every, nothing, nothing, ()))
    steps = min(_TUNING_STEPS, sum(each.steps for each in recipe.stages))
    stage = tuning_stage(recipe.index_preset, steps, bool(len(rows)))
    grown, _ = tune(net, bigger, kept.with_new(signs), stage, folder / "tuning")
    shutil.rmtree(folder / "tuning")
    tuned = known_part(grown, len(data.catalogue))
    head, _ = renewed_head(tuned, data, recipe, earlier)
    recogniser = Recogniser(TorchEncoder(tuned), head, data.catalogue)
    return tuned, _taught(tuned, recogniser, signs, data, recipe)[0]


def load_absent(folder: Path) -> AbsentTrial:
    """Read what `run_absent` wrote.

    Raises:
        InputError: A file is missing or damaged.
    """
    try:
        info: dict[str, Any] = json.loads((folder / "absent.json").read_text(encoding="utf-8"))
        with np.load(folder / "absent.npz") as arrays:
            return AbsentTrial(info["fold"], info["seed"], dict(arrays))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{folder} holds no trial: {type(error).__name__}: {error}", "delete it and run again"
        ) from error
