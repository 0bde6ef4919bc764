"""Ranking an index for a class, against a plain loop over all crops."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.answers.head import Head
from raresign.errors import InputError
from raresign.finding import class_ranking
from raresign.finding.claims import NO_SIGN, Claims
from raresign.finding.class_ranking import NEUTRAL, WEIGHT, ClassRanking
from raresign.finding.crop_index import CropIndex, IndexedCrop
from raresign.finding.index_store import Embedded
from raresign.finding.pieces import Piece
from raresign.finding.same_sign import groups_of
from raresign.finding.vectors import packed, unpacked
from test_crop_index import WIDTH, made_model


def made_head(seed: int) -> Head:
    """Prototypes, fusion, a lift and a row of "no sign" that all matter."""
    rng = np.random.default_rng(seed)
    model = made_model()
    fusion = replace(model.head.fusion, logit_scale=0.7, prototype_scale=3.0, rare_bias=0.4)
    head = replace(model.head, fusion=fusion, no_sign=rng.standard_normal(WIDTH + 1))
    photos = rng.standard_normal((2, WIDTH)).astype(np.float32)
    return head.with_photos(1, photos, rng.standard_normal(WIDTH + 1).astype(np.float32))


def filled(
    place: Path, head: Head, embeddings: np.ndarray, names: list[str] | None = None
) -> CropIndex:
    """An index of made embeddings; crop k is the picture /k.png unless named."""
    index = CropIndex(place, replace(made_model(), head=head))
    store = index._store
    scan = store.begin_scan()
    paths = names or [f"/{k:05}x.png" for k in range(len(embeddings))]
    store.note(scan, [Piece(path) for path in paths])
    ids = [number for number, _ in store.waiting(len(paths))]
    crops = [Embedded(number, str(number), -(k**7) % 2**62) for k, number in enumerate(ids)]
    store.embedded(crops, embeddings.astype(np.float32))
    return index


def plain_score(
    head: Head, crop: np.ndarray, label: int, confirmed: np.ndarray, rejected: np.ndarray
) -> float:
    """The formula of `ClassRanking`, as it is read."""
    scores = [float(score) for score in head.scores(crop[None])[0]]
    features = np.maximum(crop, 0)
    logits = head.rows @ features + head.biases
    none = float(head.no_sign[:-1] @ features + head.no_sign[-1])
    sign = math.log(sum(math.exp(float(logit)) for logit in logits)) - none
    other = max(score for k, score in enumerate(scores) if k != label)
    total = -math.log(math.exp(other - scores[label]) + math.exp(NO_SIGN - sign))

    def nearest(known: np.ndarray) -> float:
        return max(float(crop @ one / np.linalg.norm(crop) / np.linalg.norm(one)) for one in known)

    if len(confirmed):
        total += WEIGHT * (nearest(confirmed) - NEUTRAL)
    if len(rejected):
        total -= WEIGHT * max(0.0, nearest(rejected) - NEUTRAL)
    return total


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    label=st.integers(0, 2),
    confirmed=st.lists(st.integers(0, 59), max_size=4, unique=True),
    rejected=st.lists(st.integers(0, 59), max_size=4, unique=True),
    most=st.integers(1, 70),
)
def test_the_ranking_is_that_of_a_plain_loop(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    label: int,
    confirmed: list[int],
    rejected: list[int],
    most: int,
) -> None:
    rejected = [row for row in rejected if row not in confirmed]
    head = made_head(seed)
    given_ = 2 * np.random.default_rng(seed).standard_normal((60, WIDTH))
    index = filled(tmp_path_factory.mktemp("index"), head, given_)
    crops = unpacked(index.rows()[0])
    wanted = np.array(
        [plain_score(head, crop, label, crops[confirmed], crops[rejected]) for crop in crops]
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(class_ranking, "_FEW", 7)
        ranking = ClassRanking(index, f"c{label}")
        assert ranking.scores(confirmed, rejected) == pytest.approx(wanted, abs=2e-3)
        found = ranking.best(most, "best", confirmed, rejected, grouped=False)
    rows = [one.crop.row for one in found]
    assert len(rows) == min(most, 60 - len(confirmed) - len(rejected))
    assert not set(rows) & {*confirmed, *rejected}
    shown = wanted[rows]
    assert (np.diff(shown) < 5e-3).all()
    left = np.delete(wanted, [*rows, *confirmed, *rejected])
    assert not len(left) or left.max() <= shown.min() + 5e-3


def test_what_is_uncertain_comes_first_and_each_unlike_the_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    made = np.repeat(rng.standard_normal((20, WIDTH)), 3, axis=0)
    index = filled(tmp_path, made_head(0), made + 1e-3 * rng.standard_normal(made.shape))
    ranking = ClassRanking(index, "c1")
    found = ranking.best(20, "informative", grouped=False)
    scores = np.abs(ranking.scores())
    rows = [one.crop.row for one in found]
    assert scores[rows[0]] == scores.min()
    assert len({row // 3 for row in rows}) == len(rows)  # no three of a kind


def test_claims_of_crops_that_came_later_are_the_same(tmp_path: Path) -> None:
    head = made_head(1)
    rows = packed(np.random.default_rng(2).standard_normal((50, WIDTH)).astype(np.float32))
    once, twice = Claims(head), Claims(head)
    once.extend(rows)
    twice.extend(rows[:20])
    told: list[tuple[int, int]] = []
    twice.extend(rows, lambda done, every: told.append((done, every)))
    assert told == [(50, 50)]
    assert (once.lead(2, rows) == twice.lead(2, rows)).all()


def test_claims_are_kept_for_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = filled(tmp_path, made_head(1), np.random.default_rng(1).standard_normal((30, WIDTH)))
    before = ClassRanking(index, "c1").scores()
    with monkeypatch.context() as patched:
        patched.setattr(Head, "scores_and_sign", None)  # not asked again
        assert (ClassRanking(index, "c1").scores() == before).all()
    other = CropIndex(tmp_path, replace(index.model, head=made_head(2)))
    assert (ClassRanking(other, "c1").scores() != before).any()
    assert len(list(tmp_path.glob("claims-*"))) == 1


def test_an_unknown_class_and_an_empty_index(tmp_path: Path) -> None:
    index = CropIndex(tmp_path, made_model())
    assert ClassRanking(index, "c0").best() == []
    with pytest.raises(InputError, match=r"no class '9\.9'"):
        ClassRanking(index, "9.9")
    with pytest.raises(InputError, match="order 'worst'; choose best or informative"):
        ClassRanking(index, "c0").best(order="worst")  # type: ignore[arg-type]


def test_crops_of_one_physical_sign_are_grouped() -> None:
    base = np.eye(6, WIDTH)
    near = base[0] + 0.05 * base[1]
    crops, rows = [], []

    def crop(
        path: str, embedding: np.ndarray, track: str = "", digest: str = "", look: int = 0
    ) -> None:
        number = len(crops)
        crops.append(
            IndexedCrop(
                number, path, None, track, digest or str(number), look or 3**30 * (number + 1)
            )
        )
        rows.append(embedding)

    crop("a/s_001.png", base[0], look=2**40 - 1)  # 0
    crop("a/s_002.png", near, look=2**52 - 1)  # 1: the next number, perhaps another sign
    crop("a/s_090.png", near, look=2**28 - 1)  # 2: much later, another sign of the class
    crop("b/s_002.png", near, look=(2**40 - 1) << 9)  # 3: another folder
    crop("a/s_001-b.png", near, look=(2**40 - 1) << 20)  # 4: the same number, another name
    crop("a/t.png", base[2], track="t")  # 5
    crop("c/u.png", base[3], track="t")  # 6: of one track, however unlike
    crop("a/v.png", base[4], digest="same")  # 7
    crop("d/w.png", base[4], digest="same")  # 8
    crop("e/x.png", base[5], look=0b1111 << 40)  # 9
    crop("f/y.png", base[5] + 0.01 * base[4], look=0b1110 << 40)  # 10: nearly the same picture
    assert groups_of(crops, packed(np.array(rows, np.float32))) == [
        [0],
        [1],
        [2],
        [3],
        [4],
        [5, 6],
        [7, 8],
        [9, 10],
    ]
