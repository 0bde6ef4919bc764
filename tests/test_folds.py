"""Folds of the protocol: every frequent class plays rare once, twins apart, clusters whole."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.crops.splits import near_duplicate_clusters
from raresign.errors import InputError
from raresign.lab.protocol.folds import Fold, class_folds, leaking_clusters, protocol_folds
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass


def catalogue_of(families: list[tuple[str, bool]], rare: int = 0) -> SignCatalogue:
    """A frequent class, or two that are twins, for each family; then rare classes."""
    signs: list[SignClass] = []

    def add(kind: str, family: str, twin: str | None) -> None:
        number = len(signs)
        signs.append(SignClass(f"c{number}", number, kind, (Path("x.png"),), family, twin))  # type: ignore[arg-type]

    for family, paired in families:
        number = len(signs)
        add("freq", family, f"c{number + 1}" if paired else None)
        if paired:
            add("freq", family, f"c{number}")
    for _ in range(rare):
        add("rare", "a", None)
    return SignCatalogue(signs)


FAMILIES = st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), min_size=3, max_size=30)


@settings(max_examples=100, deadline=None)
@given(families=FAMILIES, folds=st.integers(2, 6), seed=st.integers(-5, 2**70), data=st.data())
def test_folds_deal_every_class_once_evenly_and_twins_apart(
    families: list[tuple[str, bool]], folds: int, seed: int, data: st.DataObject
) -> None:
    catalogue = catalogue_of(families, rare=2)
    frequent = list(catalogue.labels_of_type("freq"))
    empty = data.draw(st.sets(st.sampled_from(frequent), max_size=3))
    counts = {label: 0 if label in empty else 4 for label in range(len(catalogue))}
    known = [label for label in frequent if label not in empty]
    if len(known) < folds:
        with pytest.raises(InputError, match=f"{folds} folds of {len(known)}"):
            class_folds(catalogue, counts, folds, seed)
        return
    dealt = class_folds(catalogue, counts, folds, seed)
    assert dealt == class_folds(catalogue, counts, folds, seed)
    assert sorted(label for fold in dealt for label in fold) == known
    assert all(list(fold) == sorted(fold) for fold in dealt)
    for family in {family for family, _ in families} | {None}:
        shares = [
            sum(family in (None, catalogue[label].family) for label in fold) for fold in dealt
        ]
        assert max(shares) - min(shares) <= 1, family
    for fold in dealt:
        codes = {catalogue[label].code for label in fold}
        assert not codes & {catalogue[label].twin for label in fold}


def test_the_seed_shuffles_and_one_fold_is_refused() -> None:
    catalogue = catalogue_of([("a", True), ("b", False)] * 5)
    counts = dict.fromkeys(range(len(catalogue)), 3)
    assert len({class_folds(catalogue, counts, 3, seed) for seed in range(20)}) > 10
    with pytest.raises(InputError, match="1 folds of 15"):
        class_folds(catalogue, counts, 1, 0)


def crops_of(rng: np.random.Generator, clusters: np.ndarray) -> np.ndarray:
    """Crops of one cluster differ in brightness only; those of two are independent noise."""
    noise = rng.integers(40, 200, (clusters.max() + 1, 3, 12, 12))
    light = rng.uniform(0.8, 1.2, len(clusters))[:, None, None, None]
    return np.clip(noise[clusters] * light, 0, 255).astype(np.uint8)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**30), folds=st.integers(2, 3))
def test_parts_of_a_fold_share_no_crop_and_no_cluster(seed: int, folds: int) -> None:
    rng = np.random.default_rng(seed)
    catalogue = catalogue_of([("a", True), ("b", True), ("b", False), ("a", False)], rare=1)
    clusters = rng.integers(0, 40, 150)
    labels = np.where(clusters < 4, -1, clusters % 6)
    crops = crops_of(rng, clusters)
    found = near_duplicate_clusters(crops, labels=labels)
    assert len(np.unique(found)) == len(np.unique(clusters))
    played: Counter[int] = Counter()
    for fold in protocol_folds(crops, labels, catalogue, folds, 0.2, seed):
        parts = [fold.training, fold.validation, fold.measured, fold.spare]
        together = np.concatenate(parts)
        assert sorted(together.tolist()) == np.flatnonzero(labels >= 0).tolist()
        plays = [bool(np.isin(labels[part], fold.classes).all()) for part in parts[2:]]
        assert plays == [True, True]
        assert not np.isin(labels[np.concatenate(parts[:2])], fold.classes).any()
        for i, left in enumerate(parts):
            for right in parts[i + 1 :]:
                assert not np.intersect1d(found[left], found[right]).size
        assert leaking_clusters(found, [fold]) == 0
        for label in set(labels[fold.training].tolist()) | set(fold.classes):
            assert (labels[np.concatenate([fold.training, fold.spare])] == label).any(), label
        played.update(fold.classes)
    assert set(played.values()) == {1}
    assert set(played) == set(range(6)) & set(labels.tolist())


def test_half_of_the_crops_of_a_class_that_plays_rare_measure_it() -> None:
    catalogue = catalogue_of([("a", False)] * 4)
    labels = np.repeat(np.arange(4), 40)
    crops = crops_of(np.random.default_rng(0), np.arange(160))
    folds = protocol_folds(crops, labels, catalogue, 2, 0.2, seed=1)
    for fold in folds:
        for label in fold.classes:
            assert (labels[fold.measured] == label).sum() == 20
            assert (labels[fold.spare] == label).sum() == 20
        assert len(fold.validation) == 16  # a fifth of two classes of 40
    # The same crops of a class are held out whichever fold it is frequent in.
    again = protocol_folds(crops, labels, catalogue, 2, 0.2, seed=1)
    assert all((a.measured == b.measured).all() for a, b in zip(folds, again, strict=True))


def test_leaking_clusters_are_counted_once_each() -> None:
    clusters = np.array([0, 0, 0, 1, 1, 2, 3, 3])
    training, validation, measured = np.array([0, 1, 3, 5]), np.array([2]), np.array([4, 6])
    fold = Fold((1,), training, validation, measured, spare=np.array([7]))
    assert leaking_clusters(clusters, [fold]) == 3
    assert leaking_clusters(clusters, [fold, fold]) == 6
