"""Splits keep near-duplicates together, spread over families and follow the seed."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from raresign.crops import splits
from raresign.crops.splits import choose_pseudo_rare, near_duplicate_clusters, split_validation
from raresign.errors import InputError
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass

# --- pseudo-rare classes --------------------------------------------------------------------------


def catalogue_of(families: list[int], rare: int = 0) -> SignCatalogue:
    """One frequent class for each family number, then `rare` rare classes."""
    return SignCatalogue(
        [
            SignClass(
                f"c{i}",
                i,
                "freq" if i < len(families) else "rare",
                (Path("x.png"),),
                f"family {families[i] if i < len(families) else 0}",
                None,
            )
            for i in range(len(families) + rare)
        ]
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=60),
    st.floats(0.01, 0.99),
    st.integers(-5, 2**70),
    st.data(),
)
def test_pseudo_rare_properties(
    families: list[int], share: float, seed: int, data: st.DataObject
) -> None:
    catalogue = catalogue_of(families, rare=2)
    empty = data.draw(st.sets(st.integers(0, len(families) - 1), max_size=len(families) - 2))
    counts = {i: 0 if i in empty else 5 for i in range(len(families))}
    counts[len(families)] = 9  # a rare class with crops by mistake
    chosen = choose_pseudo_rare(catalogue, counts, share, seed)
    candidates = [i for i in range(len(families)) if i not in empty]
    assert chosen == sorted(set(chosen))
    assert set(chosen) < set(candidates)
    assert len(chosen) == min(max(1, round(share * len(candidates))), len(candidates) - 1)
    backwards = dict(reversed(counts.items()))
    assert chosen == choose_pseudo_rare(catalogue, backwards, share, seed)
    # Over the families.
    size = Counter(families[i] for i in candidates)
    got = Counter(families[i] for i in chosen)
    can_give = [family for family in size if size[family] > 1]
    if len(chosen) >= len(can_give):
        assert all(got[family] >= 1 for family in can_give)
    if sum(size[family] - 1 for family in size) >= len(chosen):
        assert all(got[family] < size[family] for family in size), "a family lost all its classes"


def test_large_families_give_their_share() -> None:
    catalogue = catalogue_of([0] * 40 + [1] * 20 + [2] * 10 + [3])
    counts = dict.fromkeys(range(71), 3)
    for seed in range(5):
        chosen = choose_pseudo_rare(catalogue, counts, 0.2, seed)
        got = Counter(catalogue[label].family for label in chosen)
        assert got == {"family 0": 8, "family 1": 4, "family 2": 2}


def test_every_class_plays_rare_under_some_seed() -> None:
    catalogue = catalogue_of([0] * 6 + [1] * 3)
    counts = dict.fromkeys(range(9), 3)
    seen = {lab for seed in range(60) for lab in choose_pseudo_rare(catalogue, counts, 0.3, seed)}
    assert seen == set(range(9))


def test_pseudo_rare_refuses() -> None:
    catalogue = catalogue_of([0, 0, 0], rare=1)
    for counts in ({}, {0: 5, 1: 0, 3: 9}):
        with pytest.raises(InputError, match="none can play rare"):
            choose_pseudo_rare(catalogue, counts, 0.2, 0)
    for share in (0.0, 1.0, -1.0, math.nan):
        with pytest.raises(InputError, match="share"):
            choose_pseudo_rare(catalogue, {0: 5, 1: 5}, share, 0)


# --- near-duplicates ------------------------------------------------------------------------------


def slow_thumbnail(crop: np.ndarray) -> np.ndarray:
    """Area mean by blowing the crop up so that every thumbnail pixel is whole."""
    grey = 0.299 * crop[0] + 0.587 * crop[1] + 0.114 * crop[2]
    big = np.kron(grey, np.ones((12, 12)))
    side = crop.shape[1]
    small = big.reshape(12, side, 12, side).mean((1, 3))
    return small - small.mean()


def slow_clusters(crops: np.ndarray, threshold: float, labels: np.ndarray | None) -> list[int]:
    """Pair by pair; a colour is painted over until nothing changes."""
    thumbnails = [slow_thumbnail(crop) for crop in crops]
    colour = list(range(len(crops)))
    for i, a in enumerate(thumbnails):
        for j, b in enumerate(thumbnails):
            if labels is not None and labels[i] != labels[j]:
                continue
            length = float(np.linalg.norm(a) * np.linalg.norm(b))
            if length > 0 and float((a * b).sum()) / length >= threshold:
                old, new = max(colour[i], colour[j]), min(colour[i], colour[j])
                colour = [new if c == old else c for c in colour]
    names: dict[int, int] = {}
    return [names.setdefault(c, len(names)) for c in colour]


def made_crops(count: int, side: int, seed: int) -> np.ndarray:
    """Chains of crops that drift away from a few originals."""
    rng = np.random.default_rng(seed)
    originals = rng.integers(0, 256, (4, 3, side, side)).astype(float)
    crops = []
    for _ in range(count):
        which = rng.integers(4)
        originals[which] += rng.normal(0, 60, (3, 1, side))
        crops.append(originals[which].clip(0, 255))
    return np.array(crops).astype(np.uint8)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 30),
    st.sampled_from([5, 12, 17, 24, 48]),
    st.integers(0, 10**6),
    st.booleans(),
    st.sampled_from([0.6, 0.8, 0.94]),
)
def test_clusters_are_those_of_the_slow_loop(
    count: int, side: int, seed: int, labelled: bool, threshold: float
) -> None:
    crops = made_crops(count, side, seed)
    labels = np.random.default_rng(seed).integers(-1, 3, count) if labelled else None
    clusters = near_duplicate_clusters(crops, threshold, labels)
    assert clusters.dtype == np.int64
    assert clusters.tolist() == slow_clusters(crops, threshold, labels)


def test_clusters_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    crops = made_crops(150, 16, 0)
    whole = near_duplicate_clusters(crops, 0.8)
    assert 1 < whole.max() < 149
    for block in (1, 7, 64):
        monkeypatch.setattr(splits, "_BLOCK", block)
        monkeypatch.setattr(splits, "_READ", block)
        assert np.array_equal(near_duplicate_clusters(crops, 0.8), whole)


def test_brightness_and_contrast_do_not_matter_and_flat_crops_stand_alone() -> None:
    crop = np.random.default_rng(0).integers(0, 200, (3, 48, 48)).astype(np.uint8)
    flat = np.full_like(crop, 90)
    crops = np.stack([crop, flat, crop // 2, crop + 50, flat, 255 - crop])
    assert near_duplicate_clusters(crops).tolist() == [0, 1, 0, 0, 2, 3]
    assert near_duplicate_clusters(crops[[0, 0]], 1.0).tolist() == [0, 0]


def test_clusters_of_nothing() -> None:
    nothing = np.empty((0, 3, 48, 48), np.uint8)
    assert near_duplicate_clusters(nothing).shape == (0,)
    assert near_duplicate_clusters(nothing, labels=np.empty(0, np.int64)).shape == (0,)


@pytest.mark.parametrize("alike", [False, True])
def test_eight_thousand_memory_mapped_crops_take_seconds(tmp_path: Path, alike: bool) -> None:
    crops = np.lib.format.open_memmap(tmp_path / "c.npy", "w+", np.uint8, (8000, 3, 24, 24))
    crops[:] = np.random.default_rng(0).integers(0, 256, (1 if alike else 8000, 3, 24, 24))
    start = time.perf_counter()
    clusters = near_duplicate_clusters(crops)
    assert time.perf_counter() - start < 8, "0.4 to 1.3 s are usual"
    assert clusters.max() == (0 if alike else 7999)


# --- validation -----------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 120), st.integers(1, 5), st.floats(0.02, 0.98), st.integers(-3, 2**70), st.data()
)
def test_validation_properties(
    count: int, classes: int, share: float, seed: int, data: st.DataObject
) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    labels = rng.integers(-1, classes, count)
    clusters = rng.integers(0, data.draw(st.integers(1, 60)), count)
    pure = data.draw(st.booleans())
    if pure:  # as near_duplicate_clusters makes them with labels
        clusters = clusters * 10 + labels
    mask = split_validation(labels, clusters, share, seed)
    assert mask.dtype == bool
    assert mask.shape == labels.shape
    assert np.array_equal(mask, split_validation(labels, clusters, share, seed))
    for cluster in np.unique(clusters):
        assert len(set(mask[clusters == cluster].tolist())) == 1, "a cluster stands on both sides"
    for label in range(classes):
        mine = labels == label
        if not mine.any():
            continue
        assert (mine & ~mask).any(), "a class has nothing left to train on"
        own_clusters = np.unique(clusters[mine])
        if len(own_clusters) == 1:
            assert not mask[mine].any()
        if pure:
            taken, target = int((mine & mask).sum()), share * int(mine.sum())
            sizes = [
                int((clusters == c).sum()) for c in own_clusters if not mask[clusters == c].any()
            ]
            # No further cluster would bring the class nearer to its share.
            for size in sizes:
                nearer = abs(target - taken - size) < abs(target - taken) - 1e-9
                assert not nearer or taken + size == mine.sum()
            assert (
                taken <= target + max(int((clusters == c).sum()) for c in own_clusters) / 2 + 1e-9
            )
    if pure:
        assert not mask[labels == -1].any()


def test_many_small_clusters_hit_the_share() -> None:
    labels = np.repeat([0, 1, 2], [1000, 100, 10])
    mask = split_validation(labels, np.arange(1110), 0.2, 3)
    assert [int(mask[labels == label].sum()) for label in range(3)] == [200, 20, 2]
    other = split_validation(labels, np.arange(1110), 0.2, 4)
    assert (mask != other).any()


def test_validation_refuses() -> None:
    with pytest.raises(InputError, match="share 0"):
        split_validation(np.zeros(3, np.int64), np.zeros(3, np.int64), 0, 0)


# --- real crops -----------------------------------------------------------------------------------


@pytest.mark.real_data
def test_real_crops_have_near_duplicates_and_split_by_share() -> None:
    data = os.environ.get("RARESIGN_DATA")
    if not data:
        pytest.skip("RARESIGN_DATA is not set: it names the folder with rtsd-r1")
    root = Path(data) / "rtsd-r1"
    catalogue = SignCatalogue.from_folder(root)
    files = sorted((root / "cropped-train").glob("*/*.png"))[::4]
    labels = np.array([catalogue.label_of(path.parent.name) for path in files])
    crops = np.stack(
        [np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1) for path in files]
    )
    clusters = near_duplicate_clusters(crops, labels=labels)
    assert 0.3 < (clusters.max() + 1) / len(crops) < 0.99
    mask = split_validation(labels, clusters, 0.15, 0)
    assert 0.13 < mask.mean() < 0.17
    counts = Counter(labels.tolist())
    chosen = choose_pseudo_rare(catalogue, counts, 0.25, 0)
    assert {catalogue[label].family for label in chosen} >= {
        "red triangle",
        "red ring",
        "blue disc",
    }
