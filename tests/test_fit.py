"""Fitting a stage: resumes to the same weights, stops in time, leaves frozen parts alone."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from raresign.errors import InputError, Interrupted
from raresign.models.freezing import freeze
from raresign.models.sign_net import SignNet
from raresign.training.batches import StageBatches
from raresign.training.checkpoints import warm_average
from raresign.training.fit import Hardware, StageResult, fit_stage
from raresign.training.module import StageModule
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData, split_crops

NewNet = Callable[[], SignNet]
MIXED = {"kind": "mixed", "steps": 7, "real": 4, "synthetic": 4, "validate_every": 3}
CPU = Hardware("cpu")


def fit(
    net: SignNet, data: TrainingData, folder: Path, stage: dict[str, Any], **options: Any
) -> StageResult:
    return fit_stage(net, Stage(**stage), data, 0, folder, hardware=CPU, quiet=True, **options)


def state_of(net: SignNet) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "step", "loss", "crops_per_second", "validation_recall", "pseudo_rare_recall",
    ]  # fmt: skip
    return [{k: v for k, v in row.items() if k != "crops_per_second"} for row in rows]


@contextmanager
def ctrl_c_in_step(step: int) -> Iterator[None]:
    """Presses Ctrl-C while the batch of this step (from 1) is composed."""
    compose = StageBatches.batch

    def batch(self: StageBatches, number: int, *args: int) -> tuple[Tensor, Tensor]:
        if number + 1 == step:
            os.kill(os.getpid(), signal.SIGINT)
        return compose(self, number, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StageBatches, "batch", batch)
        yield


@pytest.mark.parametrize(
    ("averaging", "hold_out", "stops"),
    [(0.9, True, (2, 3, 5)), (0.9, False, (3, 5)), (0.0, True, (2,))],
)
def test_resumed_stage_ends_where_a_straight_one_does(
    training_data: TrainingData,
    new_net: NewNet,
    tmp_path: Path,
    averaging: float,
    hold_out: bool,
    stops: tuple[int, ...],
) -> None:
    stage = {**MIXED, "hold_out": hold_out, "averaging": averaging}
    straight = new_net()
    fit(straight, training_data, tmp_path / "straight", stage)
    before = signal.getsignal(signal.SIGINT)
    resumed = new_net()
    for step in stops:  # between two measurements, on one, and between later ones
        with ctrl_c_in_step(step), pytest.raises(Interrupted) as stop:
            fit(new_net(), training_data, tmp_path / "resumed", stage, resume=True)
        assert stop.value.checkpoint == tmp_path / "resumed" / "last.ckpt"
        kept = torch.load(stop.value.checkpoint, weights_only=False)
        assert kept["global_step"] == step
        assert signal.getsignal(signal.SIGINT) == before
    result = fit(resumed, training_data, tmp_path / "resumed", stage, resume=True)
    assert result.steps == 7
    for name, value in straight.state_dict().items():
        assert torch.allclose(value, resumed.state_dict()[name], atol=1e-6, rtol=0), name
    assert rows_of(tmp_path / "resumed") == rows_of(tmp_path / "straight")


def test_icons_as_positives_resume_too(
    training_data: TrainingData, new_net: NewNet, tmp_path: Path
) -> None:
    stage = {**MIXED, "steps": 4, "metric": {"loss": "supcon", "icons": True}}
    straight, resumed = new_net(), new_net()
    fit(straight, training_data, tmp_path / "straight", stage)
    with ctrl_c_in_step(2), pytest.raises(Interrupted):
        fit(new_net(), training_data, tmp_path / "resumed", stage, resume=True)
    fit(resumed, training_data, tmp_path / "resumed", stage, resume=True)
    for name, value in straight.state_dict().items():
        assert torch.allclose(value, resumed.state_dict()[name], atol=1e-6, rtol=0), name


@pytest.mark.parametrize("hold_out", [True, False])
def test_finished_stage_resumes_to_itself(
    training_data: TrainingData, new_net: NewNet, tmp_path: Path, hold_out: bool
) -> None:
    """The process may die after the last step and before the run knows of it."""
    stage = {**MIXED, "steps": 3, "hold_out": hold_out}
    first, again = new_net(), new_net()
    result = fit(first, training_data, tmp_path, stage)
    repeated = fit(again, training_data, tmp_path, stage, resume=True)
    assert repeated.steps == result.steps == 3
    assert repeated.seconds == pytest.approx(result.seconds, abs=0.5)
    assert repeated.pseudo_rare_recall == result.pseudo_rare_recall
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_without_resume_old_checkpoints_are_forgotten(
    training_data: TrainingData, new_net: NewNet, tmp_path: Path
) -> None:
    stage = {**MIXED, "steps": 2}
    first, again = new_net(), new_net()
    fit(first, training_data, tmp_path, stage)
    (tmp_path / "best.ckpt").write_bytes(b"from another training")
    fit(again, training_data, tmp_path, stage)
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_every_row_is_measured_anew(
    training_data: TrainingData,
    new_net: NewNet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seven steps, measured every three: the last row is of step 7, not step 6 repeated."""
    seen: list[int] = []

    def on_validation_epoch_end(self: StageModule) -> None:
        seen.append(self.global_step)
        self.log("validation_recall", 0.1 * len(seen))
        self.log("pseudo_rare_recall", 0.1 * len(seen))

    monkeypatch.setattr(StageModule, "on_validation_epoch_end", on_validation_epoch_end)
    result = fit(new_net(), training_data, tmp_path, MIXED, logs=tmp_path / "logs")
    assert seen == [3, 6, 7]
    rows = rows_of(tmp_path)
    assert [row["step"] for row in rows] == ["3", "6", "7"]
    assert [round(float(row["pseudo_rare_recall"]), 3) for row in rows] == [0.1, 0.2, 0.3]
    assert all(0 < float(row["loss"]) < 10 for row in rows)
    assert result.pseudo_rare_recall == pytest.approx(0.3)
    logged = EventAccumulator(str(tmp_path / "logs" / tmp_path.name)).Reload()
    rates = [event.value for event in logged.Scalars("learning rate")]
    assert rates
    assert 0 < max(rates) <= Stage(**MIXED).learning_rate


@pytest.mark.parametrize(("recalls", "kept"), [((0.1, 0.9, 0.5), 1), ((0.9, 0.1, 0.5), 0)])
def test_the_best_measurement_is_kept(
    training_data: TrainingData,
    new_net: NewNet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    recalls: tuple[float, ...],
    kept: int,
) -> None:
    states: list[dict[str, Tensor]] = []

    def on_validation_epoch_end(self: StageModule) -> None:
        # Validation alone does not decide: its order here is the reverse.
        self.log("validation_recall", 0.5 - 0.1 * recalls[len(states)])
        self.log("pseudo_rare_recall", recalls[len(states)])
        states.append(state_of(self.net))

    monkeypatch.setattr(StageModule, "on_validation_epoch_end", on_validation_epoch_end)
    net = new_net()
    fit(net, training_data, tmp_path, {**MIXED, "averaging": 0.0})
    for name, value in net.state_dict().items():
        assert torch.equal(value, states[kept][name]), name


def test_recalls_are_those_of_a_plain_loop(
    training_data: TrainingData, new_net: NewNet, tmp_path: Path
) -> None:
    net = new_net()
    result = fit(net, training_data, tmp_path, {**MIXED, "steps": 3})
    net.eval()
    split = training_data.split
    for rows, measured in (
        (split.validation, result.validation_recall),
        (split.pseudo_rare, result.pseudo_rare_recall),
    ):
        right = 0
        for row in rows.tolist():
            with torch.no_grad():
                logits = net(training_data.crops[row : row + 1].float() / 255).logits
            right += int(logits.argmax() == training_data.labels[row])
        assert measured == pytest.approx(right / len(rows))


def test_nothing_is_measured_where_nothing_is_held_out(
    training_data: TrainingData, new_net: NewNet, tmp_path: Path
) -> None:
    result = fit(new_net(), training_data, tmp_path, {**MIXED, "steps": 2, "hold_out": False})
    assert result.validation_recall is None
    assert result.pseudo_rare_recall is None
    assert [row["pseudo_rare_recall"] for row in rows_of(tmp_path)] == [""]


def test_time_limit_ends_early_with_a_finished_schedule(
    training_data: TrainingData,
    new_net: NewNet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates: list[float] = []
    start = StageModule.on_train_batch_start

    def on_train_batch_start(self: StageModule, batch: Any, batch_idx: int) -> None:
        start(self, batch, batch_idx)
        rates.append(self.trainer.optimizers[0].param_groups[0]["lr"])

    monkeypatch.setattr(StageModule, "on_train_batch_start", on_train_batch_start)
    net = new_net()
    stage = {**MIXED, "steps": 1_000_000, "validate_every": 100_000, "learning_rate": 1e-3}
    result = fit(net, training_data, tmp_path, stage, max_seconds=4.0)  # a busy machine, too
    assert 2 <= result.steps < 100_000
    assert 4.0 <= result.seconds < 40
    assert rates[-1] < 0.5 * max(rates) <= 1e-3  # by steps alone it would still rise
    assert int(rows_of(tmp_path)[-1]["step"]) == result.steps
    assert result.pseudo_rare_recall is not None
    assert all(torch.isfinite(value).all() for value in net.state_dict().values())


@pytest.mark.parametrize("mode", ["none", "stem", "partial", "all-but-head"])
def test_frozen_parts_stay_bit_for_bit(
    training_data: TrainingData, new_net: NewNet, tmp_path: Path, mode: str
) -> None:
    net, before = new_net(), new_net()
    freeze(before, mode)
    frozen = {name for name, value in before.named_parameters() if not value.requires_grad}
    for place, module in before.named_modules():
        own = list(module.parameters(recurse=False))
        if own and not any(value.requires_grad for value in own):  # running statistics too
            frozen |= {f"{place}.{name}" for name, _ in module.named_buffers(recurse=False)}
    assert (mode == "none") == (not frozen)
    assert mode == "none" or any("running_mean" in name for name in frozen)
    fit(net, training_data, tmp_path, {**MIXED, "steps": 3, "freeze": mode, "warmup": 0.0})
    constant = {"mean", "std"}
    for name, value in net.state_dict().items():
        same = torch.equal(value, before.state_dict()[name])
        assert torch.isfinite(value).all(), name
        assert same == (name in frozen | constant), name


def test_training_learns(training_data: TrainingData, new_net: NewNet, tmp_path: Path) -> None:
    stage = {
        "kind": "pretrain", "steps": 40, "real": 32, "validate_every": 5, "learning_rate": 3e-3,
        "augment": False, "flips": "none", "averaging": 0.0, "hold_out": False,
        "label_smoothing": 0.0,
    }  # fmt: skip
    fit(new_net(), training_data, tmp_path, stage)
    losses = [float(row["loss"]) for row in rows_of(tmp_path)]
    assert losses[-1] < 0.6 * losses[0]


def test_metric_stage_adds_the_contrastive_loss(
    training_data: TrainingData, new_net: NewNet, tmp_path: Path
) -> None:
    losses = {}
    for weight in (0.0, 2.0):
        stage = {
            "kind": "metric", "steps": 1, "balanced": {"classes": 4, "items": 2},
            "contrastive": {"weight": weight},
        }  # fmt: skip
        fit(new_net(), training_data, tmp_path / str(weight), stage)
        losses[weight] = float(rows_of(tmp_path / str(weight))[0]["loss"])
    assert losses[2.0] > losses[0.0]


def test_average_of_weights_warms_up() -> None:
    average = [torch.zeros(1)]
    update = warm_average(0.5)
    expected = 0.0
    for number in range(20):
        update(average, [torch.tensor([float(number)])], number)
        decay = min(0.5, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * number
        assert average[0].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"accelerator": "tpu"}, "tpu"),
        ({"precision": "float7"}, "float7"),
        ({"devices": 0}, "0 devices"),
        ({"devices": -2}, "-2 devices"),
    ],
)
def test_impossible_hardware(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        Hardware(**settings)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_missing_gpu() -> None:
    if torch.backends.mps.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(InputError, match="gpu"):
        Hardware("gpu")


def test_without_pseudo_rare_classes_only_validation_is_measured(
    training_data: TrainingData, new_net: NewNet, tmp_path: Path
) -> None:
    crops, labels = training_data.crops.numpy(), training_data.labels.numpy()
    split = split_crops(crops, labels, training_data.catalogue, 0.0, 0.25, seed=0)
    data = replace(training_data, split=split)
    result = fit(new_net(), data, tmp_path, {**MIXED, "steps": 2})
    assert result.pseudo_rare_recall is None
    assert result.validation_recall is not None


def test_second_ctrl_c_ends_at_once(
    training_data: TrainingData,
    new_net: NewNet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As an exception, not as the end of the process; and Ctrl-C works afterwards."""

    def batch(self: StageBatches, *args: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(StageBatches, "batch", batch)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(new_net(), training_data, tmp_path, MIXED)
    assert signal.getsignal(signal.SIGINT) == before
