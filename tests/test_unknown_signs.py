"""Unknown signs: which drawings they are, and what the rule makes of them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from raresign.answers.fusion import Fusion
from raresign.answers.known_score import known_features
from raresign.fitting.rules_fit import UNKNOWN_SHARE, HeldOut, calibrate_unknown, unknown_crops
from raresign.signs.catalogue.free_signs import free_codes, free_signs
from raresign.signs.catalogue.other_signs import other_signs
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.catalogue.unknown_sign_drawings import MOST, drawn_unknown_signs
from raresign.signs.countries.drawn_folder import drawn_icons
from raresign.signs.countries.registry import country, standard

FAMILIES = ("ring", "ring", "disc", "disc")


def drawn(*codes: str) -> SignCatalogue:
    return SignCatalogue.from_icons(
        drawn_icons("gost", codes, variants=False),
        dict.fromkeys(codes, "rare"),
        country=country("RU"),
    )


def test_no_class_of_the_catalogue_is_unknown() -> None:
    own = drawn("1.1", "3.1", "4.1.1")
    unknown = drawn_unknown_signs(own, seed=0)
    assert 20 < len(unknown) <= MOST
    assert not set(unknown.codes) & {"1.1", "3.1", "4.1.1"}
    assert set(unknown.codes) < set(standard("gost").codes)
    assert drawn_unknown_signs(own, seed=0).codes == unknown.codes
    assert drawn_unknown_signs(own, seed=1).codes != unknown.codes
    hidden = [replace(sign, id=900 + sign.id) for sign in unknown.classes[:10]]
    rest = drawn_unknown_signs(own, seed=0, hidden=hidden)
    assert not set(rest.codes) & {sign.code for sign in hidden}


@pytest.mark.parametrize("left", [0, 3])
def test_invented_signs_play_unknown_where_few_drawings_are_left(left: int) -> None:
    own = drawn("1.1")
    codes = [code for code in standard("gost").codes if code != "1.1"]
    hidden = [replace(own[0], code=code, id=1 + id) for id, code in enumerate(codes[left:])]
    unknown = drawn_unknown_signs(own, seed=0, hidden=hidden)
    assert len(unknown) == MOST
    assert list(unknown.codes[:left]) == codes[:left]
    assert all(code.startswith("invented-") for code in unknown.codes[left:])
    assert {"red ring", "red triangle"} <= {sign.family for sign in unknown.classes}
    trained = other_signs(own, 0, hidden).codes
    assert not set(trained) & {*unknown.codes, *codes, "1.1"}
    assert len(trained) > 300


def test_what_a_foreign_sign_leaves_free() -> None:
    """A Ukrainian 3.21, no entry: our 3.1 looks like it, our 3.21 does not."""
    ours = drawn("3.1", "3.21", "3.24.n50", "1.23").classes
    icons = {sign.code: sign.icons for sign in ours}
    other = SignCatalogue([SignClass("3.21", 0, "rare", icons["3.1"], "red disc", None)])
    limit = SignClass("274-50", 9, "rare", icons["3.24.n50"], "red ring", None)
    assert [sign.code for sign in free_signs(ours, other)] == ["3.21", "3.24.n50", "1.23"]
    assert [sign.code for sign in free_signs(ours, other, [limit])] == ["3.21", "1.23"]
    assert set(free_codes(other, [limit])) == set(standard("gost").codes)


def test_a_number_of_ours_tells_at_home_and_on_invented_signs() -> None:
    own = drawn("3.4.n5", "3.24.n50")
    near = drawn("3.4.n8", "3.24.n60").classes
    assert free_codes(own)[:1] == ["1.1"]
    assert not set(free_codes(own)) & set(own.codes)
    assert free_signs(near, own) == list(near)
    invention = replace(near[0], code="invented-7-number")
    assert free_signs([invention], SignCatalogue(own.classes)) == [invention]
    copy = replace(own[0], code="9.99")
    assert free_signs([own[0], near[0]], SignCatalogue([copy], country("RU"))) == [near[0]]


@pytest.mark.real_data
def test_german_classes_are_not_unknown() -> None:
    """By their meaning: two of 24 pairs may be drawn too differently."""
    root = os.environ.get("RARESIGN_DATA")
    if not root:
        pytest.skip("RARESIGN_DATA is not set: it names the folder with gtsrb")
    theirs = SignCatalogue.from_folder(Path(root) / "gtsrb")
    pairs = {f"0{n}": f"3.24.n{limit}" for n, limit in enumerate((20, 30, 50, 60, 70, 80))}
    pairs |= {"07": "3.24.n100", "08": "3.24.n120", "09": "3.20", "10": "3.22", "12": "2.1"}
    pairs |= {"13": "2.4", "14": "2.5", "17": "3.1", "28": "1.23", "33": "4.1.2", "34": "4.1.3"}
    pairs |= {"35": "4.1.1", "40": "4.3", "20": "1.11.1", "25": "1.25", "22": "1.16", "23": "1.15"}
    ours = [code for code in pairs.values() if code in standard("gost").codes]
    others = ["3.18.1", "5.19.1", "6.4", "1.8"]
    signs = drawn(*ours, *(code for code in others if code in standard("gost").codes)).classes
    known = [sign for sign in theirs.classes if sign.code in pairs]
    left = {sign.code for sign in free_signs(signs, theirs)}
    assert len(left & set(ours)) <= 2
    assert left - set(ours)
    rest = SignCatalogue([replace(s, twin=None) for s in theirs.classes if s not in known])
    hidden = {sign.code for sign in free_signs(signs, rest, known)}
    assert hidden == left


@pytest.mark.parametrize("accepted", [0.02, 0.05])
def test_the_threshold_counts_unknown_signs(accepted: float) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 400)
    logits = rng.normal(size=(400, 4)).astype(np.float32)
    logits[np.arange(400), labels] += 5
    held = HeldOut(logits, np.tanh(logits / 9), labels, labels >= 2, np.array([0, 0, 1, 1], bool))
    strange = rng.normal(size=(300, 4)).astype(np.float32)
    families = ["ring"] * 300
    unknown = unknown_crops(strange, np.tanh(strange / 9), families, held.rare, Fusion())
    ones = np.ones(400)
    rule = calibrate_unknown(held, Fusion(), FAMILIES, ones, unknown, accepted)

    def above(table: np.ndarray) -> np.ndarray:
        p = softmax(table, axis=1)
        score = rule.score.of(known_features(p, np.tanh(table / 9), table))
        return np.asarray(score >= rule.levels.class_threshold - 1e-9)

    answered = above(held.logits)
    wrong = answered & (held.logits.argmax(1) != labels)
    rare = held.plays_rare
    half = np.where(rare, 0.5 / rare.sum(), 0.5 / (~rare).sum())
    errors = (1 - UNKNOWN_SHARE) * half[wrong].sum()
    errors += UNKNOWN_SHARE * above(strange).mean()
    rights = (1 - UNKNOWN_SHARE) * half[answered & ~wrong].sum()
    assert errors / (errors + rights) <= accepted + 1e-6
    assert answered.mean() > 0.5
