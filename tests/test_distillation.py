"""Distillation: the loss against a loop, and that a teacher leaves no trace but what it taught."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from raresign.errors import InputError
from raresign.losses import distillation_loss
from raresign.models import SignNet, SignOutput
from raresign.training import Hardware, Lesson, Stage, TrainingData, fit_stage
from raresign.training.module import StageModule
from raresign.training.objective import Objective

MIXED = {"kind": "mixed", "steps": 2, "real": 4, "synthetic": 4, "validate_every": 2}
NewNet = Callable[[], SignNet]


def other_net(classes: int, size: int = 32) -> SignNet:
    torch.manual_seed(8)
    return SignNet(
        "mobilenetv3_small_050", classes, embedding=8, weights="none", crop_size=size, drop_rate=0.5
    )


def naive(student: Tensor, teacher: Tensor, temperature: float) -> float:
    """The docstring, crop by crop and class by class."""

    def softmax(row: list[float]) -> list[float]:
        powers = [math.exp(value / temperature) for value in row]
        return [power / sum(powers) for power in powers]

    total = 0.0
    for said, wanted in zip(student.tolist(), teacher.tolist(), strict=True):
        for q, p in zip(softmax(said), softmax(wanted), strict=True):
            total += p * math.log(p / q)
    return temperature**2 * total / len(student)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 8.0])
def test_loss_against_a_loop(temperature: float) -> None:
    draw = torch.Generator().manual_seed(1)
    student, teacher = torch.randn(2, 5, 4, generator=draw, dtype=torch.float64) * 3
    loss = distillation_loss(student, teacher, temperature)
    assert loss.item() == pytest.approx(naive(student, teacher, temperature), rel=1e-9)
    assert distillation_loss(teacher, teacher, temperature).item() == pytest.approx(0, abs=1e-12)
    half = distillation_loss(student.bfloat16(), teacher.bfloat16(), temperature)
    assert half.dtype == torch.float32


def test_at_a_high_temperature_logits_are_matched() -> None:
    """Hinton et al.: the gradient tends to (z - v) / (N C) for logits without a mean."""
    draw = torch.Generator().manual_seed(2)
    student, teacher = torch.randn(2, 3, 4, generator=draw, dtype=torch.float64)
    student, teacher = (x - x.mean(1, keepdim=True) for x in (student, teacher))
    student.requires_grad_()
    teacher.requires_grad_()
    distillation_loss(student, teacher, 1e4).backward()
    assert student.grad is not None
    torch.testing.assert_close(
        student.grad, (student - teacher).detach() / 12, rtol=1e-3, atol=1e-5
    )
    assert teacher.grad is None


@pytest.mark.parametrize("problem", ["shapes", "vectors", "temperature"])
def test_what_does_not_fit_is_refused(problem: str) -> None:
    student = torch.zeros(2) if problem == "vectors" else torch.zeros(2, 3)
    teacher = torch.zeros(2, 4) if problem == "shapes" else torch.zeros_like(student)
    with pytest.raises(InputError, match=r"temperature|of the teacher"):
        distillation_loss(student, teacher, 0.0 if problem == "temperature" else 1.0)


def test_the_objective_mixes_labels_and_teacher() -> None:
    """Extras keep their weight; priors do not reach what the teacher says."""
    draw = torch.Generator().manual_seed(3)
    output = SignOutput(torch.randn(4, 3, generator=draw), torch.randn(4, 5, generator=draw))
    taught = torch.randn(4, 3, generator=draw)
    labels, made = torch.tensor([0, 1, 2, 0]), torch.tensor([False, True, True, False])
    priors = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.2, 0.6]])
    stage = Stage(**MIXED, prior="domain", contrastive={"weight": 0.5, "margin": 2.0})
    lesson = Lesson(other_net(3), 0.3, 4.0)
    plain = Objective(stage, 3, 5)
    whole = plain(output, labels, made, priors)
    entropy = plain.classification(output.logits, labels, made, priors)
    mixed = Objective(stage, 3, 5, lesson)(output, labels, made, priors, taught=taught)
    expected = whole - 0.3 * entropy + 0.3 * naive(output.logits, taught, 4.0)
    torch.testing.assert_close(mixed, expected)


def test_a_teacher_of_another_size_sees_resized_crops() -> None:
    lesson = Lesson(other_net(3, 48), 0.5, 2.0)
    even = torch.full((2, 3, 32, 32), 0.25)
    torch.testing.assert_close(lesson.logits(even), lesson.logits(torch.full((2, 3, 48, 48), 0.25)))


def test_a_teacher_is_no_part_of_its_student(
    new_net: NewNet, training_data: TrainingData, tmp_path: Path
) -> None:
    plain = StageModule(new_net(), Stage(**MIXED), training_data, 0)
    teacher = other_net(len(training_data.catalogue))
    before = copy.deepcopy(teacher.state_dict())
    lesson = Lesson(teacher, 0.5, 2.0)
    module = StageModule(new_net(), Stage(**MIXED), training_data, 0, lesson)
    assert list(module.state_dict()) == list(plain.state_dict())
    assert copy.deepcopy(module).lesson is lesson
    own = {id(p) for p in teacher.parameters()}
    assert not own & {id(p) for p in module.parameters()}
    groups = module.configure_optimizers().param_groups
    assert not own & {id(p) for group in groups for p in group["params"]}
    net = new_net()
    names = list(net.state_dict())
    fit_stage(
        net,
        Stage(**MIXED),
        training_data,
        0,
        tmp_path,
        hardware=Hardware("cpu"),
        quiet=True,
        lesson=lesson,
    )
    assert list(net.state_dict()) == names
    kept = torch.load(tmp_path / "last.ckpt", weights_only=False)["state_dict"]
    assert set(kept) == set(plain.state_dict())
    assert not teacher.training
    assert all(p.grad is None for p in teacher.parameters())
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, before[name]), name  # running statistics too


def test_the_teacher_sees_the_crops_of_the_student(
    new_net: NewNet, training_data: TrainingData, tmp_path: Path
) -> None:
    seen: dict[str, list[Tensor]] = {"student": [], "teacher": []}
    net, teacher = new_net(), other_net(len(training_data.catalogue))
    for name, module in (("student", net), ("teacher", teacher)):
        module.register_forward_pre_hook(
            lambda m, given, name=name: seen[name].append(given[0].clone())
        )
    stage = Stage(**{**MIXED, "hold_out": False}, adversarial={"steps": 1, "reach": 4})
    lesson = Lesson(teacher, 0.5, 2.0)
    fit_stage(
        net, stage, training_data, 0, tmp_path, hardware=Hardware("cpu"), quiet=True, lesson=lesson
    )
    assert len(seen["teacher"]) == 2
    for crops in seen["teacher"]:  # the student has looked at others while they were made harder
        assert crops.shape == (8, 3, 32, 32)
        assert any(crops.shape == o.shape and torch.equal(crops, o) for o in seen["student"])


def test_weight_zero_is_no_teacher(
    new_net: NewNet, training_data: TrainingData, tmp_path: Path
) -> None:
    nets = [new_net() for _ in range(3)]
    teacher = other_net(len(training_data.catalogue))
    lessons = [None, Lesson(teacher, 0.0, 2.0), Lesson(teacher, 0.5, 2.0)]
    for number, (net, lesson) in enumerate(zip(nets, lessons, strict=True)):
        fit_stage(
            net,
            Stage(**MIXED),
            training_data,
            0,
            tmp_path / str(number),
            hardware=Hardware("cpu"),
            quiet=True,
            lesson=lesson,
        )
    states = [net.state_dict() for net in nets]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not torch.equal(states[0][name], states[2][name]) for name in states[0])
