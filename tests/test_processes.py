"""Two or three processes that share a batch: gradient and statistics of one process."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from raresign.models.shared_norms import shared_statistics
from raresign.models.sign_net import SignNet
from raresign.training.batches import StageBatches
from raresign.training.module import StageModule
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData

needs_gloo = pytest.mark.skipif(
    not dist.is_available() or not dist.is_gloo_available() or not hasattr(mp, "get_context"),
    reason="this torch has no gloo for processes on the CPU",
)
STAGES: dict[str, dict[str, Any]] = {
    "mixed": {"kind": "mixed", "real": 4, "synthetic": 5, "prior": "domain"},
    "kept": {"kind": "synthetic", "synthetic": 5, "keep": 0.7},
    "icons": {"kind": "mixed", "real": 4, "synthetic": 7, "metric": {"loss": "supcon", "icons": 1}},
    "pairs": {
        "kind": "metric",
        "balanced": {"classes": 3, "items": 4},
        "flips": "none",
        "contrastive": {"form": "normalised", "margin": 1.0},
    },
}


def step(data: TrainingData, settings: dict[str, Any], rank: int, world: int) -> dict[str, Any]:
    """Loss, gradients and running statistics after one step of a fresh net."""
    torch.manual_seed(7)
    net = SignNet("test_efficientnet", len(data.catalogue), 16, weights="none", crop_size=data.size)
    module = StageModule(net, Stage(steps=9, **settings), data, 0).train()
    module.batches.ahead = 1
    seen: dict[str, Any] = {}
    shared = shared_statistics(net) if world > 1 else nullcontext()
    with pytest.MonkeyPatch.context() as patch, shared:
        trainer = SimpleNamespace(global_rank=rank, world_size=world, global_step=0)
        patch.setattr(StageModule, "trainer", trainer)
        patch.setattr(StageModule, "global_step", 0)
        patch.setattr(StageModule, "log", lambda *_, **__: None)
        loss = module.training_step(None, 0)
        loss.backward()
    seen["loss"] = loss.detach()
    seen |= {name: p.grad for name, p in module.named_parameters() if p.grad is not None}
    if world > 1:  # as DDP does
        for value in seen.values():
            dist.all_reduce(value)
            value /= world
    return seen | {name: value for name, value in net.named_buffers() if "running" in name}


def process(rank: int, world: int, data: TrainingData, folder: Path) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(str(folder / "store"), world)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=world)
    for name, settings in STAGES.items():
        found = step(data, settings, rank, world)
        if rank == world - 1:
            torch.save(found, folder / f"{name}.pt")
    dist.destroy_process_group()


@needs_gloo
def test_gradient_and_statistics_are_those_of_one_process(
    training_data: TrainingData, tmp_path: Path
) -> None:
    world = 3  # shares are uneven
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        alone = {name: step(training_data, each, 0, 1) for name, each in STAGES.items()}
    finally:
        torch.set_num_threads(threads)
    mp.start_processes(  # forked: torch is loaded already
        process, (world, training_data, tmp_path), world, start_method="fork"
    )
    for name, expected in alone.items():
        found = torch.load(tmp_path / f"{name}.pt", weights_only=True)
        assert found.keys() == expected.keys()
        largest = max(float(value.abs().max()) for value in expected.values())
        for part, value in expected.items():
            close = torch.allclose(found[part], value, rtol=1e-3, atol=3e-5 * largest)
            assert close, (name, part, float((found[part] - value).abs().max()), largest)


@pytest.mark.parametrize("settings", STAGES.values(), ids=STAGES)
def test_shares_are_the_batch_and_even(
    training_data: TrainingData, settings: dict[str, Any]
) -> None:
    """Each crop of the whole batch once, the same to the last draw; no share is larger by 2."""
    stage, world = Stage(steps=9, **settings), 3
    one, other = (StageBatches(training_data, stage, 0, torch.device("cpu")) for _ in range(2))
    one.ahead = other.ahead = 1
    whole = one.batch(3)
    sizes, rows = [], []
    for rank in range(world):
        share = other.batch(3, rank, world)
        own, total = other.rows(3, rank, world)
        for mine, every in zip(share, whole, strict=True):
            torch.testing.assert_close(mine, every[own], atol=1e-5, rtol=0)
        assert total == stage.batch
        sizes.append(len(own))
        rows += own.tolist()
        if stage.balanced:  # each class alike in every process
            labels = np.unique(whole.labels.numpy())
            counts = [int((share.labels == label).sum()) for label in labels]
            assert max(counts) - min(counts) <= 1
    assert sorted(rows) == list(range(stage.batch))
    assert max(sizes) - min(sizes) <= 1
