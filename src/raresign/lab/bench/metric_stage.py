"""The published system's last stage: an epoch that never ended, with its loop and with ours."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.lab.bench.material import BenchMaterial
from raresign.lab.bench.measure import median_seconds
from raresign.losses.contrastive import naive_contrastive_loss, reference_contrastive_loss
from raresign.models.sign_net import SignNet, default_backbone
from raresign.training.batches import StageBatches
from raresign.training.stage import Balanced, Stage

_EPOCH_CROPS, _PUBLISHED_STEP = 284_896, 10.83
"""Crops of an epoch of its metric stage, and the seconds that one of its steps took."""


def bench_metric(quick: bool, data: Path | None) -> dict[str, float]:
    """Time whole steps of 32 classes x 4 crops: batch, net, both losses, optimiser.

    Cross-entropy + 0.5 x contrastive loss with margin 2, as published; once with the double loop
    over pairs, once vectorised, in turn. The net is this machine's default one; the published steps
    had ResNet50 at 224 px on a GPU, so against them only the order of magnitude counts.

    Args:
        quick: Fewer repetitions.
        data: Data folder; drawn signs otherwise.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name, size = default_backbone(device.type)
    material = BenchMaterial.load(data, size)
    balanced = Balanced(classes=32, items=4)
    stage = Stage(kind="metric", steps=1_000_000, balanced=balanced, preset="road")
    batches = StageBatches(material.training_data(2048), stage, 0, device)
    net = SignNet(name, len(material.catalogue), weights="none", crop_size=size).to(device).train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-4)
    numbers = count()

    def step(contrastive: Callable[[Tensor, Tensor], Tensor]) -> None:
        crops, labels, _ = batches.batch(next(numbers))
        output = net(crops.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(output.logits, labels)
        loss = loss + 0.5 * contrastive(output.embedding, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        float(loss.detach())  # waits for the device

    times = median_seconds(
        {
            "ours": lambda: step(reference_contrastive_loss),
            "loop": lambda: step(naive_contrastive_loss),
        },
        runs=2 if quick else 5,
    )
    ours, loop = times["ours"][0], times["loop"][0]
    steps = -(-_EPOCH_CROPS // (balanced.classes * balanced.items))
    return {
        "metric.step_seconds": ours,
        "metric.step_seconds_slowest": times["ours"][2],
        "metric.loop_step_seconds": loop,
        "metric.ratio": loop / ours,
        "metric.epoch_steps": steps,
        "metric.epoch_minutes": ours * steps / 60,
        "metric.loop_epoch_minutes": loop * steps / 60,
        "metric.published_step_seconds": _PUBLISHED_STEP,
        "metric.published_epoch_minutes": _PUBLISHED_STEP * steps / 60,
    }
