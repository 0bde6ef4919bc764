"""Low-rank adapters (LoRA): a transformer's linear layers learn a small correction each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from raresign.errors import InputError

LAYERS = ("qkv", "proj", "fc1", "fc2")
"""timm's names of a block's linear layers: attention in and out, MLP in and out."""


class LoRALinear(nn.Module):
    """A frozen linear layer plus alpha / rank * B A.

    Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1. B starts at
    0, so at first the layer gives what it gave. A is drawn as in their code from torch's generator.

    Args:
        base: The layer; frozen in place.
        rank: Rank r of the correction, at least 1.
        alpha: Strength of the correction; alpha / rank is its factor.

    Attributes:
        base: The layer as it was.
        down: (r, in), their A.
        up: (out, r), their B.

    Raises:
        InputError: A rank below 1.

    Example:
        >>> layer = LoRALinear(nn.Linear(8, 4), rank=2)
        >>> x = torch.rand(3, 8)
        >>> torch.equal(layer(x), layer.base(x))
        True
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float = 16.0) -> None:
        super().__init__()
        if rank < 1:
            raise InputError(f"rank is {rank}", "use at least 1")
        self.base = base.requires_grad_(False)
        self.factor = alpha / rank
        self.down = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.up = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))
        self.train(base.training)

    @property
    def weight(self) -> Tensor:
        """(out, in), correction included: some of timm's attentions use `qkv.weight` itself."""
        return self.base.weight + self.factor * self.up @ self.down

    @property
    def bias(self) -> Tensor | None:
        """(out,) or None, that of the base."""
        return self.base.bias

    def forward(self, x: Tensor) -> Tensor:
        """(..., out) of (..., in)."""
        correction = F.linear(F.linear(x, self.down), self.up)
        return F.linear(x, self.base.weight, self.base.bias) + self.factor * correction


def add_lora(
    module: nn.Module, rank: int, names: Sequence[str] = LAYERS, alpha: float = 16.0
) -> int:
    """Freeze all of a module and give its linear layers of these names an adapter, in place.

    Only the adapters learn then. `raresign.models.freeze` lets layers learn again: call it before.
    A saved state has other names until `merge_lora`.

    Args:
        module: A timm transformer such as `SignNet.backbone`.
        rank: Rank of the adapters, at least 1; 4 to 16 is usual.
        names: Last part of the names of the layers.
        alpha: As in `LoRALinear`.

    Returns:
        Number of layers that got an adapter.

    Raises:
        InputError: A rank below 1, or no such layer (a convolutional net, or adapters are there
            already); the module is left as it was.

    Example:
        >>> block = nn.ModuleDict({"fc1": nn.Linear(8, 16), "norm": nn.LayerNorm(16)})
        >>> add_lora(block, rank=2)
        1
        >>> [name for name, p in block.named_parameters() if p.requires_grad]
        ['fc1.down', 'fc1.up']
        >>> merge_lora(block), type(block["fc1"]).__name__
        (1, 'Linear')
    """
    found = [
        (parent, name, child)
        for parent in module.modules()
        for name, child in parent.named_children()
        if name in names and isinstance(child, nn.Linear)
    ]
    if rank < 1:
        raise InputError(f"rank is {rank}", "use at least 1")
    if not found:
        raise InputError(
            f"{type(module).__name__} has no linear layer called {', '.join(names)}",
            "use a transformer without adapters, such as vit_tiny_patch16_224",
        )
    module.requires_grad_(False)
    for parent, name, layer in found:
        setattr(parent, name, LoRALinear(layer, rank, alpha))
    return len(found)


@torch.no_grad()
def merge_lora(module: nn.Module) -> int:
    """Add every adapter to its layer and put the plain layer back: W + alpha / rank * B A.

    The module has its old structure and state names then and gives what it gave with the adapters.
    Its parameters stay frozen; `raresign.models.freeze` says anew what learns.

    Args:
        module: What `add_lora` changed, or a copy of it; without adapters it is left as it is.

    Returns:
        Number of layers merged.

    Example:
        >>> merge_lora(nn.Linear(2, 2))
        0
    """
    found = [
        (parent, name, child)
        for parent in module.modules()
        for name, child in parent.named_children()
        if isinstance(child, LoRALinear)
    ]
    for parent, name, layer in found:
        layer.base.weight.copy_(layer.weight)
        setattr(parent, name, layer.base.train(layer.training))
    return len(found)
