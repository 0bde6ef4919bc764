"""The net of the built-in model in torch, from the weights inside its encoder.onnx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from raresign.errors import InputError
from raresign.models.built_in_files import ENCODER, part

if TYPE_CHECKING:
    from collections.abc import Mapping

NET = "net."
"""In front of a weight's name in the file."""


def encoder_state(content: bytes) -> dict[str, Tensor]:
    """Float32 weights of a net without its classifier, by their names in the net.

    Args:
        content: Of an encoder.onnx whose initialisers are the net's own weights, not folded.
    """
    graph = onnx.load_from_string(content).graph
    return {
        one.name.removeprefix(NET): torch.from_numpy(numpy_helper.to_array(one).copy()).float()
        for one in graph.initializer
        if one.name.startswith(NET)
    }


def backbone_state(known: Mapping[str, Any], backbone: str) -> dict[str, Tensor]:
    """The weights of the built-in model's backbone.

    Args:
        known: What `built_in_files.facts` gave.
        backbone: The timm name of the backbone that shall take them.

    Raises:
        InputError: Another backbone, or damaged files.
    """
    own = str(known["net"]["backbone"])
    if backbone.partition(".")[0] != own.partition(".")[0]:
        raise InputError(
            f"the built-in model's backbone is {own}, not {backbone}",
            f"use --backbone {own}, or other weights",
        )
    front = "backbone."
    state = encoder_state(part(ENCODER, dict(known)))
    return {name.removeprefix(front): w for name, w in state.items() if name.startswith(front)}
