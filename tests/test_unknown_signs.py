"""Unknown signs: which drawings they are, and what the rule makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from raresign.answers.fusion import Fusion
from raresign.answers.known_score import known_features
from raresign.fitting.rules_fit import UNKNOWN_SHARE, HeldOut, calibrate_unknown, unknown_crops
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
    assert unknown is not None
    assert 20 < len(unknown) <= MOST
    assert not set(unknown.codes) & {"1.1", "3.1", "4.1.1"}
    again = drawn_unknown_signs(own, seed=0)
    other = drawn_unknown_signs(own, seed=1)
    assert again is not None
    assert other is not None
    assert again.codes == unknown.codes != other.codes


def test_a_catalogue_of_all_signs_leaves_none() -> None:
    every = standard("gost").codes
    assert drawn_unknown_signs(drawn("1.1"), seed=0, never=every) is None


def test_hidden_signs_are_never_taken() -> None:
    own = drawn("1.1")
    unknown = drawn_unknown_signs(own, seed=0)
    assert unknown is not None
    hidden = unknown.codes[:10]
    rest = drawn_unknown_signs(own, seed=0, never=hidden)
    assert rest is not None
    assert not set(rest.codes) & set(hidden)


def test_a_limit_of_50_of_another_country_is_not_unknown() -> None:
    """Its code tells nothing, its picture does."""
    ours = drawn("3.24.n50")[0]
    theirs = SignClass("274-50", 0, "rare", (Path(ours.icons[0]),), ours.family, None)
    for seed in range(6):
        unknown = drawn_unknown_signs(SignCatalogue([theirs]), seed)
        assert unknown is not None
        assert "3.24.n50" not in unknown.codes


def test_a_code_of_ours_means_nothing_in_another_country() -> None:
    """A Ukrainian 3.21, no entry, does not keep our 3.21 out; our 3.1 looks like it."""
    icon = Path(drawn("3.1")[0].icons[0])
    theirs = SignCatalogue([SignClass("3.21", 0, "rare", (icon,), "red disc", None)])
    taken = [drawn_unknown_signs(theirs, seed) for seed in range(6)]
    codes = {code for one in taken if one is not None for code in one.codes}
    assert "3.21" in codes
    assert "3.1" not in codes


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
    rule = calibrate_unknown(held, Fusion(), FAMILIES, ones, accepted, unknown=unknown)

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
