"""Folds in which frequent classes play rare in turn, and which of their crops measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raresign.crops.splits import Integers, near_duplicate_clusters, split_validation
from raresign.errors import InputError
from raresign.seeds import mix_integers
from raresign.signs.catalogue.sign_catalogue import SignCatalogue


@dataclass(frozen=True)
class Fold:
    """One fold: row numbers of the real crops by what they serve.

    Attributes:
        classes: Labels that play rare, ascending.
        training: (T,) int64 crops of the other classes, to train on.
        validation: (V,) int64 crops of the other classes, to measure frequent signs.
        measured: (M,) int64 crops of the classes that play rare, to measure them.
        spare: (S,) int64 their other crops: used by the ceiling alone, which trains on them.
    """

    classes: tuple[int, ...]
    training: Integers
    validation: Integers
    measured: Integers
    spare: Integers


def class_folds(
    catalogue: SignCatalogue, counts: Mapping[int, int], folds: int, seed: int
) -> tuple[tuple[int, ...], ...]:
    """Deal the frequent classes to folds, so that every fold has its share of families and twins.

    Families are dealt one after another, twins next to each other within them, like cards: the
    shares of two folds of any family, and of all, differ by at most 1, and two twins of a family
    never play rare in the same fold (one of them trains, as for most rare signs).

    Args:
        catalogue: The classes.
        counts: Label -> number of real crops; labels without crops are left out.
        folds: At least 2.
        seed: Any integer.

    Returns:
        For each fold its labels, ascending; every frequent class with crops is in one.

    Raises:
        InputError: Fewer than 2 folds, or fewer classes with crops than folds.
    """
    known = [label for label in catalogue.labels_of_type("freq") if counts.get(label, 0) > 0]
    if folds < 2 or len(known) < folds:
        raise InputError(
            f"{folds} folds of {len(known)} frequent classes with real crops",
            "give 2 folds or more, and no more than there are classes",
        )
    rng = np.random.default_rng(mix_integers(seed))
    families: dict[str, list[int]] = {}
    for label in rng.permutation(known).tolist():
        members = families.setdefault(catalogue[label].family, [])
        if label in members:
            continue
        members.append(label)
        twin = catalogue[label].twin
        other = catalogue.label_of(twin) if twin is not None else -1
        if other in known and catalogue[other].family == catalogue[label].family:
            members.append(other)
    dealt = [label for name in rng.permutation(sorted(families)) for label in families[name]]
    return tuple(tuple(sorted(dealt[place::folds])) for place in range(folds))


def protocol_folds(
    crops: npt.NDArray[np.uint8],
    labels: Integers,
    catalogue: SignCatalogue,
    folds: int,
    validation: float,
    seed: int,
) -> tuple[Fold, ...]:
    """Folds with their crops; a cluster of near-duplicates never straddles two parts.

    Args:
        crops: (N, 3, S, S) uint8.
        labels: (N,) int64, -1 serves nothing.
        catalogue: The classes.
        folds: Number of folds.
        validation: Share of the crops of every class that measures while it plays frequent.
        seed: Any integer.

    Raises:
        InputError: See `class_folds` and `split_validation`.
    """
    counts = {label: int((labels == label).sum()) for label in set(labels.tolist()) if label >= 0}
    clusters = near_duplicate_clusters(crops, labels=labels)
    half = split_validation(labels, clusters, 0.5, mix_integers(seed, 1))
    held_out = split_validation(labels, clusters, validation, mix_integers(seed, 2))
    parts = []
    for classes in class_folds(catalogue, counts, folds, seed):
        plays = np.isin(labels, classes)
        frequent = ~plays & (labels >= 0)
        chosen = (frequent & ~held_out, frequent & held_out, plays & half, plays & ~half)
        parts.append(Fold(classes, *map(np.flatnonzero, chosen)))
    return tuple(parts)


def leaking_clusters(clusters: Integers, folds: Sequence[Fold]) -> int:
    """How many near-duplicate clusters both train and measure, summed over folds.

    With clusters within labels it is 0, because `protocol_folds` keeps those whole; with clusters
    over all labels it counts signs that stand in the data under two labels.

    Args:
        clusters: (N,) int64 cluster of every crop.
        folds: Parts of the same crops.

    Example:
        >>> fold = Fold((1,), *(np.array([row]) for row in range(4)))
        >>> leaking_clusters(np.array([0, 0, 1, 1]), [fold])
        2
    """
    return sum(
        len(np.intersect1d(clusters[trains], clusters[measures]))
        for fold in folds
        for trains, measures in (
            (fold.training, np.concatenate([fold.measured, fold.validation])),
            (fold.spare, fold.measured),
        )
    )
