"""Building a recogniser on tiny data: the same seed, naive pictures, the guard of "no sign"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from raresign.answers.prototypes import SOURCES
from raresign.fitting.recogniser_fit import (
    Rules,
    build_recogniser,
    fit_rules,
    fit_synthetic_rules,
    index_synthesiser,
    no_sign_crops,
    no_sign_row,
)
from raresign.fitting.synthetic_outputs import index_outputs
from raresign.models.outputs import Outputs
from raresign.models.sign_net import SignNet
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.pictures import class_pictures, icon_crops
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.training.training_data import Split, TrainingData

PRESET, CROPS = "road", 6
NewNet = Callable[[], SignNet]


def every(data: TrainingData) -> np.ndarray:
    """Rows of all real crops of known classes."""
    return np.flatnonzero(data.labels.numpy() >= 0)


@pytest.fixture(scope="module")
def net(catalogue: SignCatalogue) -> SignNet:
    torch.manual_seed(7)
    return SignNet("test_efficientnet", len(catalogue), 16, weights="none", crop_size=32).eval()


@pytest.fixture(scope="module")
def rules(net: SignNet, training_data: TrainingData) -> Rules:
    found = fit_rules(net, training_data, PRESET, CROPS)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def built(net: SignNet, training_data: TrainingData, rules: Rules) -> Recogniser:
    return build_recogniser(net, training_data, PRESET, rules, every(training_data), CROPS)


def test_rules_round_trip(rules: Rules) -> None:
    assert Rules.from_dict(rules.as_dict()) == rules
    assert rules.unknown.accepted_error == 0.05


def test_content_of_the_index(built: Recogniser, training_data: TrainingData, net: SignNet) -> None:
    """`CROPS` synthetic crops a class, then its icon."""
    count = len(training_data.catalogue)
    head = built.head
    assert np.bincount(head.index.labels).tolist() == [CROPS + 1] * count
    kinds = head.index.sources
    assert (kinds == SOURCES.index("synthetic")).sum() == count * CROPS
    assert (kinds == SOURCES.index("icon")).sum() == count
    assert head.families == tuple(sign.family for sign in training_data.catalogue.classes)
    # Rare is who has no real crop: not the class that merely played rare.
    expected = [sign.type == "rare" for sign in training_data.catalogue.classes]
    assert head.rare.tolist() == expected
    with torch.no_grad():
        icons = torch.from_numpy(icon_crops(training_data.catalogue.classes, 32)).float() / 255
        raw = net(icons).embedding.numpy()
    lengths = np.linalg.norm(raw, axis=1)
    rows = head.index.embeddings[-count:]
    np.testing.assert_allclose(rows, raw / lengths[:, None], atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(head.lengths[-count:], lengths, atol=1e-4, rtol=1e-4)


def test_same_seed_same_recogniser(
    built: Recogniser, net: SignNet, training_data: TrainingData, rules: Rules
) -> None:
    torch.manual_seed(99)  # torch's own generator has no say
    again = build_recogniser(net, training_data, PRESET, rules, every(training_data), CROPS)
    one, two = again.head, built.head
    np.testing.assert_array_equal(one.index.embeddings, two.index.embeddings)
    np.testing.assert_array_equal(one.lengths, two.lengths)
    assert one.no_sign is not None
    assert two.no_sign is not None
    np.testing.assert_array_equal(one.no_sign, two.no_sign)
    assert fit_rules(net, training_data, PRESET, CROPS) == rules
    other = build_recogniser(
        net, replace(training_data, seed=4), PRESET, rules, every(training_data), CROPS
    )
    assert (other.head.index.embeddings != two.index.embeddings).any()


def test_without_rules_the_classifier_answers(net: SignNet, training_data: TrainingData) -> None:
    plain = build_recogniser(net, training_data, PRESET, None, every(training_data), 2)
    crops = training_data.crops.numpy()[:5]
    said = plain.recognise(crops)
    with torch.no_grad():
        expected = net(torch.from_numpy(crops).float() / 255).logits.softmax(1)
    np.testing.assert_allclose(said.probabilities, expected, atol=1e-5)
    assert said.level_names() == ["class"] * 5
    assert len(plain.head.index) == 3 * len(training_data.catalogue)


def test_too_few_crops_give_no_rules(net: SignNet, training_data: TrainingData) -> None:
    split, none = training_data.split, np.empty(0, np.int64)
    for validation, rare in ((none, split.pseudo_rare), (split.validation, none)):
        poor = replace(training_data, split=Split(split.training, validation, rare, ()))
        assert fit_rules(net, poor, PRESET, 2) is None


@pytest.fixture(scope="module")
def synthetic_rules(net: SignNet, training_data: TrainingData) -> Rules:
    return fit_synthetic_rules(net, training_data, PRESET, CROPS)


def test_rules_without_real_crops_see_none(
    net: SignNet, training_data: TrainingData, synthetic_rules: Rules
) -> None:
    """Real crops change nothing."""
    found = synthetic_rules
    none = torch.empty(0, dtype=torch.int64)
    empty = np.empty(0, np.int64)
    without = replace(
        training_data,
        crops=training_data.crops[:0],
        labels=none,
        split=Split(empty, empty, empty, ()),
    )
    assert fit_synthetic_rules(net, without, PRESET, CROPS) == found
    assert found.fusion.rare_bias == pytest.approx(0, abs=1e-9)  # every class is rare
    assert Rules.from_dict(found.as_dict()) == found
    head = build_recogniser(net, without, PRESET, found, empty, 2).head
    assert head.fusion == found.fusion
    assert head.rule == found.unknown
    assert head.no_sign is not None


def test_synthetic_rules_are_honest_on_fresh_crops(
    net: SignNet, training_data: TrainingData, synthetic_rules: Rules
) -> None:
    """Of yet other synthetic crops as many are right as the probabilities say."""
    none = np.empty(0, np.int64)
    built = build_recogniser(net, training_data, PRESET, synthetic_rules, none, CROPS)
    engine = index_synthesiser(training_data, PRESET, torch.device("cpu"))
    other = index_outputs(net, engine, training_data.catalogue.codes, 60, turn=9)
    said = built.head.judge(other.embedding).probabilities
    right = said.argmax(1) == other.labels
    assert abs(said.max(1).mean() - right.mean()) < 0.08


def test_rules_never_see_training_crops(
    rules: Rules, net: SignNet, training_data: TrainingData
) -> None:
    """Black training crops change nothing."""
    crops = training_data.crops.clone()
    crops[torch.from_numpy(training_data.split.training)] = 0
    assert fit_rules(net, replace(training_data, crops=crops), PRESET, CROPS) == rules


def test_icon_crops_against_a_loop(catalogue: SignCatalogue) -> None:
    size = 12
    crops = icon_crops(catalogue.classes, size)
    assert crops.shape == (len(catalogue), 3, size, size)
    assert crops.flags.c_contiguous
    for label, sign in enumerate(catalogue.classes):
        icon = class_pictures(sign, size)[0]
        for y in range(size):
            for x in range(size):
                share = icon[y, x, 3] / 255
                for channel in range(3):
                    value = icon[y, x, channel] * share + 128 * (1 - share)
                    assert abs(int(crops[label, channel, y, x]) - value) <= 0.5 + 1e-4
    assert (crops[:, :, 0, 0] == 128).any()  # a transparent corner is the grey


def test_no_sign_row_takes_few_crops_of_signs(net: SignNet, training_data: TrainingData) -> None:
    """At most 0.2 % of the index's crops that were recognised, whatever "no sign" looks like."""
    engine = index_synthesiser(training_data, PRESET, torch.device("cpu"))
    codes = training_data.catalogue.codes
    made = index_outputs(net, engine, codes, 100)
    # The net is not trained: crops count as recognised where it says their label.
    made = Outputs(made.logits, made.embedding, made.logits.argmax(1))
    hard = made.embedding[::3] + 0.01  # nearly the crops of signs themselves
    easy = -np.abs(made.embedding[::3])
    for none in (hard, easy):
        row = no_sign_row(net, made, Outputs(none[:, :0], none, np.full(len(none), -1)), len(codes))
        own = np.maximum(made.embedding, 0) @ row[:-1] + row[-1]
        lost = int((own > made.logits.max(1)).sum())
        assert lost <= 0.002 * len(made.labels)
        assert np.isfinite(row).all()


def test_photos_without_signs_look_like_none(
    built: Recogniser, net: SignNet, training_data: TrainingData
) -> None:
    """Even for a net that never trained: photos score lower than the crops of signs."""
    photos = BackgroundAtlas.from_pictures(training_data.pictures, 32)
    empty = (no_sign_crops(photos, 64, 5) * 255).byte().numpy()
    engine = index_synthesiser(training_data, PRESET, torch.device("cpu"))
    made = index_outputs(net, engine, training_data.catalogue.codes, 10, 3)
    signs = built.head.judge(made.embedding)
    assert built.recognise(empty).sign.mean() < signs.sign.mean()


def test_no_sign_crops_go_by_seed() -> None:
    atlas = BackgroundAtlas.from_pictures(procedural_backgrounds(2, seed=0), 32)
    one, same, other = (no_sign_crops(atlas, 4, seed) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(no_sign_crops(atlas, 2, 1), one[:2])
    assert one.min() >= 0
    assert one.max() <= 1
