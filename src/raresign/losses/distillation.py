"""What a teacher's logits say to a student: Hinton's distillation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.errors import InputError


def distillation_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)), mean over the crops.

    Hinton, Vinyals, Dean 2015, "Distilling the Knowledge in a Neural Network" (arXiv 1503.02531).
    T^2 keeps the gradient as large as that of cross-entropy at any temperature. No priors on
    either side: the student learns the bare logits, as it is measured by them.

    Args:
        student: (N, C) floats; computed in float32 or wider, also under autocast.
        teacher: (N, C) floats; gets no gradient.
        temperature: T, above 0; larger shows more of what the teacher takes for possible.

    Returns:
        Scalar, at least 0; 0 where both say the same.

    Raises:
        InputError: Logits of different shapes, or a temperature that is not above 0.

    Example:
        >>> loss = distillation_loss(torch.zeros(1, 2), torch.tensor([[2.0, 0.0]]), 2.0)
        >>> round(loss.item(), 4)  # 4 x (ln 2 - entropy of (0.731, 0.269))
        0.4438
    """
    if student.ndim != 2 or student.shape != teacher.shape:
        raise InputError(
            f"logits {tuple(student.shape)} of the student, {tuple(teacher.shape)} of the teacher",
            "both must be (N, C)",
        )
    if not temperature > 0:
        raise InputError(f"temperature is {temperature}", "use a number above 0")
    wide = torch.promote_types(student.dtype, torch.float32)
    said = F.log_softmax(student.to(wide) / temperature, dim=1)
    wanted = F.log_softmax(teacher.detach().to(wide) / temperature, dim=1)
    return temperature**2 * F.kl_div(said, wanted, reduction="batchmean", log_target=True)
