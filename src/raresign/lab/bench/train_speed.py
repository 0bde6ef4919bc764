"""Training and prediction speed: crops a second through synthesis, network and optimiser."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from raresign.lab.bench.material import BenchMaterial
from raresign.lab.bench.measure import median_seconds
from raresign.models.outputs import net_outputs
from raresign.models.sign_net import SignNet, default_backbone
from raresign.training.batches import StageBatches
from raresign.training.stage import Stage


def bench_train(quick: bool, data: Path | None) -> dict[str, float]:
    """Time what a step of the default mixed stage consists of: making its batch, and the network.

    Crops are rendered for many steps at once, so the batches of all these steps are made in one
    run and a step is charged its share of it.

    Args:
        quick: Fewer repetitions.
        data: Data folder; embedded signs otherwise.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name, size = default_backbone(device.type)
    material = BenchMaterial.load(data, size)
    stage = Stage(kind="mixed", steps=1_000_000, real=48, synthetic=64)
    batches = StageBatches(material.training_data(512), stage, 0, device)
    net = SignNet(name, len(material.catalogue), weights="none", crop_size=size)
    net = net.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(net.parameters())
    crops, labels, _ = batches.batch(0)
    firsts = count(batches.ahead, batches.ahead)  # other crops in every round

    def compose() -> None:
        first = next(firsts)
        for number in range(first, first + batches.ahead):
            batches.batch(number)
        _wait(device)

    def learn() -> None:
        loss = F.cross_entropy(
            net(crops.contiguous(memory_format=torch.channels_last)).logits, labels
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        _wait(device)

    times = median_seconds({"compose": compose, "learn": learn}, runs=3 if quick else 9)
    making = [seconds / batches.ahead for seconds in times["compose"]]
    step = [made + learnt for made, learnt in zip(making, times["learn"], strict=True)]
    return {
        "train.crops_per_second": stage.batch / step[0],
        "train.crops_per_second_slowest": stage.batch / step[2],
        "train.crops_per_second_fastest": stage.batch / step[1],
        "train.share_of_time_in_batches": making[0] / step[0],
    }


def bench_predict(quick: bool, data: Path | None) -> dict[str, float]:
    """Time the default classifier on packed crops, without reading files.

    Args:
        quick: Fewer repetitions.
        data: Not used; prediction speed does not depend on it.
    """
    name, size = default_backbone("cpu")
    net = SignNet(name, 205, weights="none", crop_size=size)
    crops = np.random.default_rng(0).integers(0, 256, (512, 3, size, size), dtype=np.uint8)
    times = median_seconds({"predict": lambda: net_outputs(net, crops)}, 3 if quick else 9)
    return {"predict.crops_per_second": len(crops) / times["predict"][0]}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
