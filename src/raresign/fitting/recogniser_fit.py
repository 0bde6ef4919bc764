"""Builds the recogniser of a trained net: index, calibrated rules, the row of "no sign"."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from raresign.answers.fusion import Fusion
from raresign.answers.head import Head
from raresign.answers.prototypes import SOURCES, PrototypeIndex
from raresign.answers.unknown_rule import UnknownRule
from raresign.errors import InputError
from raresign.fitting.new_rows import fit_rows
from raresign.fitting.rules_fit import (
    LOST,
    LOST_SYNTHETIC,
    HeldOut,
    UnknownCrops,
    calibrate_fusion,
    calibrate_unknown,
    unknown_crops,
)
from raresign.fitting.synthetic_outputs import index_outputs
from raresign.framing.finder import Framing, read_crops
from raresign.models.outputs import Outputs, TorchEncoder, net_outputs, net_rows, tensor_outputs
from raresign.models.sign_net import SignNet
from raresign.randomness import CropRandom
from raresign.runtime.recogniser import Recogniser
from raresign.seeds import mix_integers
from raresign.signs.catalogue.pictures import icon_crops
from raresign.signs.catalogue.unknown_sign_drawings import drawn_unknown_signs
from raresign.synthesis.augment import Augmentation
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.batch import Synthesiser
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import load_preset
from raresign.synthesis.synthesiser import build_synthesiser
from raresign.training.training_data import TrainingData

_NO_SIGN_CROPS = 1024
_UNKNOWN_CROPS = 12
_FRESH_CROPS, _FRESH_MOST, _FRESH_TURN = 1536, 64, 2
"""Synthetic crops that the rules of a net without real crops are fitted on: about so many of all
classes, at most so many of one, and their turn, see `index_outputs`."""
_INDEX_STAGE = 1 << 20
"""Number that the synthesiser of an index takes among the stages: its crops train nothing."""


@dataclass(frozen=True)
class Rules:
    """What is fitted on held-out crops and kept while the net trains on.

    Attributes:
        fusion: How to join classifier and prototypes.
        unknown: When to say "unknown".
    """

    fusion: Fusion
    unknown: UnknownRule

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Rules:
        """What `as_dict` gave.

        Raises:
            InputError: run.json was edited so that it is no longer valid.
        """
        try:
            return cls(Fusion(**values["fusion"]), UnknownRule.from_dict(values["unknown"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"the rules in run.json are damaged: {error!r}", "train again"
            ) from error


def index_synthesiser(data: TrainingData, preset: str, device: torch.device) -> Synthesiser:
    """The engine whose crops fill a run's index; they are the run's own, by its seed."""
    return data.synthesiser(preset, _INDEX_STAGE, device)


def no_sign_crops(
    backgrounds: BackgroundAtlas, count: int, seed: int, framing: Framing = "whole"
) -> Tensor:
    """(count, 3, S, S) floats in [0, 1]: places of photos without signs, as a camera sees them.

    With `found` they are cut to what the finder takes for a sign there.

    Example:
        >>> from raresign.simulated.backgrounds import procedural_backgrounds
        >>> atlas = BackgroundAtlas.from_pictures(procedural_backgrounds(2, seed=0), 32)
        >>> no_sign_crops(atlas, 3, seed=0).shape
        torch.Size([3, 3, 32, 32])
    """
    numbers = torch.arange(count, device=backgrounds.pixels.device)
    random = CropRandom.from_seed(seed, numbers).stream("no sign")
    places = backgrounds.crop(random)
    if framing == "found":
        pixels = places.mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        cut = read_crops([Image.fromarray(place) for place in pixels], backgrounds.size, framing)
        places = torch.from_numpy(np.stack(cut)).to(places.device).float().div_(255)
    return Augmentation()(places, random)


def no_sign_row(net: SignNet, index: Outputs, none: Outputs, classes: int) -> np.ndarray:
    """(E + 1,) row and bias of the class "no sign", fitted beside the frozen rows of all C classes.

    Args:
        net: The classifier.
        index: Outputs of the synthetic crops of all classes.
        none: Outputs of crops without signs.
        classes: C.
    """
    features = np.maximum(np.concatenate([index.embedding, none.embedding]), 0)
    labels = np.concatenate([index.labels, np.full(len(none.embedding), classes)])
    weight, bias, x, y = map(torch.from_numpy, (*net_rows(net), features, labels))
    rows, biases = fit_rows(weight, bias, x, y, 1, guard=0.002)
    return np.concatenate([rows[0].numpy(), biases.numpy()])


def fit_rules(
    net: SignNet,
    data: TrainingData,
    preset: str,
    crops: int = 32,
) -> Rules | None:
    """Fit the rules on the crops that a stage held out; None where it held out too few.

    Args:
        net: The net as that stage left it.
        data: With its split; its hidden classes are no unknown signs.
        preset: Synthesis of the index.
        crops: Synthetic crops a class in it.
    """
    split = data.split
    rows = np.concatenate([split.validation, split.pseudo_rare])
    if len(split.pseudo_rare) < 2 or not len(split.validation):
        return None
    outputs = replace(net_outputs(net, data.crops.numpy()[rows]), labels=data.labels.numpy()[rows])
    real = np.bincount(data.labels.numpy()[split.training], minlength=len(data.catalogue)) > 0
    plays_rare = np.arange(len(rows)) >= len(split.validation)
    return _rules(net, data, preset, crops, outputs, plays_rare, ~real)


def fit_synthetic_rules(
    net: SignNet,
    data: TrainingData,
    preset: str,
    crops: int = 32,
) -> Rules:
    """Fit the rules of a net that no real crop trained, on fresh synthetic crops.

    Such a net is as sure and as often right on real crops as on these (docs/method.md). A net that
    real crops trained is not: it needs real crops that it has not seen.

    Args:
        net: The net as its last stage left it.
        data: Its real crops, if there are any, are not looked at.
        preset, crops: See `fit_rules`.
    """
    engine = index_synthesiser(data, preset, next(net.parameters()).device)
    codes = data.catalogue.codes
    each = min(_FRESH_MOST, -(-_FRESH_CROPS // len(codes)))
    fresh = index_outputs(net, engine, codes, each, _FRESH_TURN)
    rare, plays_rare = np.ones(len(codes), bool), np.ones(len(fresh.labels), bool)
    return _rules(net, data, preset, crops, fresh, plays_rare, rare, LOST_SYNTHETIC)


def _rules(
    net: SignNet,
    data: TrainingData,
    preset: str,
    crops: int,
    outputs: Outputs,
    plays_rare: np.ndarray,
    rare: np.ndarray,
    lost: float = LOST,
) -> Rules:
    """The rules fitted on what the net says of crops that did not train, see `HeldOut`."""
    index, synthetic = _synthetic_index(net, data, preset, crops)
    cosines = index.similarities(outputs.embedding, "mean")
    held = HeldOut(outputs.logits, cosines, outputs.labels, plays_rare, rare)
    fusion = calibrate_fusion(held)
    families = [sign.family for sign in data.catalogue.classes]
    none = no_sign_row(net, synthetic, _no_sign_outputs(net, data), len(families))
    head = replace(Head.plain(*net_rows(net), families, rare), no_sign=none)
    sign = head.sign_score(outputs.logits, head.features(outputs.embedding))
    unknown = _unknown_crops(net, data, preset, index, rare, fusion)
    rule = calibrate_unknown(held, fusion, families, sign, unknown, lost=lost)
    return Rules(fusion, rule)


def build_recogniser(
    net: SignNet,
    data: TrainingData,
    preset: str,
    rules: Rules | None,
    trained: np.ndarray,
    crops: int = 32,
) -> Recogniser:
    """The recogniser of a finished net.

    Args:
        net: The net.
        data: What it was trained on.
        preset: Synthesis of the index.
        trained: (T,) int64 rows of the real crops that some stage trained on.
        rules: From `fit_rules` or `fit_synthetic_rules`; None answers with the classifier alone,
            at class level.
        crops: Synthetic crops a class in the index.
    """
    families = tuple(sign.family for sign in data.catalogue.classes)
    count = len(families)
    rare = np.bincount(data.labels.numpy()[trained], minlength=count) == 0
    index, synthetic = _synthetic_index(net, data, preset, crops)
    icons = net_outputs(net, icon_crops(data.catalogue.classes, data.size))
    index = index.add(icons.embedding, np.arange(count), "icon", count)
    raw = np.concatenate([synthetic.embedding, icons.embedding])
    head = Head(*net_rows(net), families, rare, index, np.linalg.norm(raw, axis=1), Fusion())
    if rules is not None:
        none = no_sign_row(net, synthetic, _no_sign_outputs(net, data), count)
        head = replace(head, fusion=rules.fusion, rule=rules.unknown, no_sign=none)
    return Recogniser(TorchEncoder(net), head, data.catalogue)


def _synthetic_index(
    net: SignNet, data: TrainingData, preset: str, crops: int
) -> tuple[PrototypeIndex, Outputs]:
    """An index of as many synthetic crops of every class, and what the net says of them."""
    engine = index_synthesiser(data, preset, next(net.parameters()).device)
    said = index_outputs(net, engine, data.catalogue.codes, crops)
    sources = np.full(len(said.labels), SOURCES.index("synthetic"))
    return PrototypeIndex(said.embedding, said.labels, sources, len(data.catalogue)), said


def _unknown_crops(
    net: SignNet,
    data: TrainingData,
    preset: str,
    index: PrototypeIndex,
    rare: np.ndarray,
    fusion: Fusion,
) -> UnknownCrops:
    """Fresh synthetic crops of unknown signs."""
    signs = drawn_unknown_signs(data.catalogue, data.seed, data.hidden)
    device = next(net.parameters()).device
    engine = build_synthesiser(
        load_preset(preset),
        IconAtlas.from_catalogue(signs, data.size, device),
        data.backgrounds(device),
        mix_integers(data.seed, _INDEX_STAGE),
    )
    said = index_outputs(net, engine, signs.codes, _UNKNOWN_CROPS)
    cosines = index.similarities(said.embedding, "mean")
    families = [signs[label].family for label in said.labels.tolist()]
    return unknown_crops(said.logits, cosines, families, rare, fusion)


def _no_sign_outputs(net: SignNet, data: TrainingData) -> Outputs:
    """What the net says of crops without signs."""
    device = next(net.parameters()).device
    photos = data.backgrounds(device)
    return tensor_outputs(net, no_sign_crops(photos, _NO_SIGN_CROPS, data.seed, data.framing))
