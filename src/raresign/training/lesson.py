"""A teacher at work: a finished net whose answers a smaller one learns beside the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.losses import distillation_loss
from raresign.models import SignNet


@dataclass(frozen=True, eq=False)
class Lesson:
    """The teacher and how much its word counts.

    Not a module, on purpose: a module's attribute would end up in the student's checkpoints,
    averages and optimiser.

    Args:
        net: The teacher; put in evaluation mode and frozen.
        weight: Of the teacher's word in [0, 1]; the labels have the rest.
        temperature: See `distillation_loss`.

    Example:
        >>> teacher = SignNet("resnet10t", classes=3, weights="none", crop_size=32)
        >>> lesson = Lesson(teacher, weight=0.5, temperature=2.0)
        >>> logits = lesson.logits(torch.rand(2, 3, 48, 48))
        >>> logits.shape, logits.requires_grad
        (torch.Size([2, 3]), False)
        >>> round(lesson.blend(torch.tensor(1.0), logits, logits).item(), 3)
        0.5
    """

    net: SignNet
    weight: float = 0.5
    temperature: float = 2.0

    def __post_init__(self) -> None:
        self.net.eval().requires_grad_(False)

    def __deepcopy__(self, memo: dict[int, Any]) -> Lesson:
        """The same: a copy of the student, such as its moving average, needs no second teacher."""
        return self

    @torch.no_grad()
    def logits(self, crops: Tensor) -> Tensor:
        """(N, C) logits of crops (N, 3, S, S) in [0, 1], which are resized to the teacher's size.

        The teacher moves to the device of the crops.
        """
        if next(self.net.parameters()).device != crops.device:
            self.net.to(crops.device)
        size = self.net.crop_size
        if crops.shape[-2:] != (size, size):
            crops = F.interpolate(crops, (size, size), mode="bilinear", antialias=True)
        logits: Tensor = self.net(crops).logits
        return logits

    def blend(self, loss: Tensor, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar (1 - w) loss + w distillation of (N, C) logits; `loss` is that of the labels."""
        taught = distillation_loss(student, teacher, self.temperature)
        return (1 - self.weight) * loss + self.weight * taught
