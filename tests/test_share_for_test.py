"""`train --test-share`: whole frames test, every class still trains, the draw is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raresign.commands.evaluate_run import evaluate
from raresign.commands.train.share_for_test import rows_for_test
from raresign.commands.train.train_run import train
from raresign.crops.crop_table import CropTable


def table_of(frames: list[int], labels: list[int], root: str = "/data") -> CropTable:
    paths = tuple(Path(root) / f"{frame}.jpg" for frame in frames)
    return CropTable(paths, np.array(labels, np.int64), None, ("",) * len(frames))


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(-1, 5)), min_size=1, max_size=80),
    st.floats(0.05, 0.9),
    st.integers(0, 50),
)
def test_frames_go_together(rows: list[tuple[int, int]], share: float, seed: int) -> None:
    frames, labels = [row[0] for row in rows], [row[1] for row in rows]
    table = table_of(frames, labels)
    chosen = rows_for_test(table, share, seed)
    by_frame = {
        frame: {chosen[k] for k, one in enumerate(frames) if one == frame} for frame in frames
    }
    assert all(len(sides) == 1 for sides in by_frame.values())
    assert set(table.labels[~chosen]) >= set(table.labels[table.labels >= 0])
    moved = rows_for_test(table_of(frames, labels, "/other/place"), share, seed)
    np.testing.assert_array_equal(chosen, moved)


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_the_share_is_kept(share: float) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, 3000).tolist()
    chosen = rows_for_test(table_of(random.integers(0, 1000, 3000).tolist(), labels), share, 7)
    assert abs(chosen.mean() - share) < 0.01
    assert len(set(np.array(labels)[chosen])) == 10


@pytest.mark.slow
def test_a_run_is_tested_on_its_share(
    own_data: Path, tmp_path: Path, tiny: Callable[..., dict[str, Any]]
) -> None:
    """In the training and whenever it is evaluated on its own data."""
    crops = own_data / "cropped-train"
    where: dict[str, Any] = {"crops": crops, "layout": "folders", "cache": tmp_path / "cache"}
    run = train(own_data, tmp_path / "run", tiny(), test_share=0.25, **where)
    told = json.loads((run / "evaluation" / "metrics.json").read_text())
    total = sum(1 for _ in crops.rglob("*.png"))
    assert 0 < told["crops"] <= 0.25 * total + 1
    assert evaluate(run, own_data, **where).crops == told["crops"]
