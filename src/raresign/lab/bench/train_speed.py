"""Speed of training: crops a second, and the published system's last stage."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.lab.bench.material import BenchMaterial
from raresign.lab.bench.measure import median_seconds
from raresign.losses.contrastive import naive_contrastive_loss, reference_contrastive_loss
from raresign.models.sign_net import SignNet, SignOutput, default_backbone
from raresign.training.batches import StageBatches
from raresign.training.stage import Balanced, Stage

_EPOCH_CROPS, _PUBLISHED_STEP = 284_896, 10.83
"""Crops of an epoch of the published metric stage, and the seconds that one of its steps took."""


class _Training:
    """Batches of a stage, and a net of this machine's default form that learns from them."""

    def __init__(self, stage: Stage, crops: int, data: Path | None) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        name, size = default_backbone(self.device.type)
        material = BenchMaterial.load(data, size)
        self.batches = StageBatches(material.training_data(crops), stage, 0, self.device)
        net = SignNet(name, len(material.catalogue), weights="none", crop_size=size)
        self.net = net.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.optimiser = torch.optim.AdamW(net.parameters(), lr=1e-4)

    def learn(self, crops: Tensor, loss: Callable[[SignOutput], Tensor]) -> None:
        """One step, finished on the device."""
        value = loss(self.net(crops.contiguous(memory_format=torch.channels_last)))
        self.optimiser.zero_grad()
        value.backward()
        self.optimiser.step()
        self.wait()

    def wait(self) -> None:
        """Until the device has nothing left to do."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def bench_train(quick: bool, data: Path | None) -> dict[str, float]:
    """Time what a step of the default mixed stage consists of: making its batch, and the network.

    Crops are rendered for many steps at once; a step is charged its share of that.

    Args:
        quick: Fewer repetitions.
        data: Data folder; drawn signs otherwise.
    """
    stage = Stage(kind="mixed", steps=1_000_000, real=48, synthetic=64)
    training = _Training(stage, 512, data)
    batches = training.batches
    crops, labels, _ = batches.batch(0)
    firsts = count(batches.ahead, batches.ahead)  # other crops in every round

    def compose() -> None:
        first = next(firsts)
        for number in range(first, first + batches.ahead):
            batches.batch(number)
        training.wait()

    def learn() -> None:
        training.learn(crops, lambda output: F.cross_entropy(output.logits, labels))

    times = median_seconds({"compose": compose, "learn": learn}, runs=3 if quick else 9)
    making = [seconds / batches.ahead for seconds in times["compose"]]
    step = [made + learnt for made, learnt in zip(making, times["learn"], strict=True)]
    return {
        "train.crops_per_second": stage.batch / step[0],
        "train.crops_per_second_slowest": stage.batch / step[2],
        "train.crops_per_second_fastest": stage.batch / step[1],
        "train.share_of_time_in_batches": making[0] / step[0],
    }


def bench_metric(quick: bool, data: Path | None) -> dict[str, float]:
    """Time whole steps of 32 classes x 4 crops: batch, net, both losses, optimiser.

    Cross-entropy + 0.5 x contrastive loss with margin 2, as published; once with the double loop
    over pairs, once vectorised, in turn. The net is this machine's default one; the published steps
    had ResNet50 at 224 px on a GPU, so against them only the order of magnitude counts.

    Args:
        quick: Fewer repetitions.
        data: Data folder; drawn signs otherwise.
    """
    balanced = Balanced(classes=32, items=4)
    stage = Stage(kind="metric", steps=1_000_000, balanced=balanced, preset="road")
    training = _Training(stage, 2048, data)
    numbers = count()

    def step(contrastive: Callable[[Tensor, Tensor], Tensor]) -> None:
        crops, labels, _ = training.batches.batch(next(numbers))

        def loss(output: SignOutput) -> Tensor:
            entropy = F.cross_entropy(output.logits, labels)
            return entropy + 0.5 * contrastive(output.embedding, labels)

        training.learn(crops, loss)

    losses = {"ours": reference_contrastive_loss, "loop": naive_contrastive_loss}
    parts = {name: partial(step, loss) for name, loss in losses.items()}
    times = median_seconds(parts, runs=2 if quick else 5)
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
