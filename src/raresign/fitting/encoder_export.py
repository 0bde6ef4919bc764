"""Writes the encoder of a trained net as ONNX, checked against the net before it counts."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from raresign.errors import InputError
from raresign.files import whole_file
from raresign.models.folding import folded
from raresign.models.outputs import net_outputs
from raresign.models.sign_net import SignNet
from raresign.runtime.onnx_encoder import MODEL_DIGEST, OnnxEncoder, with_seal

_OPSET = 17
_DYNAMO_OPSET = 18  # the lowest that it writes without a conversion
_TOLERANCE = 1e-3
_PROBES = 5


class _Embedding(nn.Module):
    """The net without its classifier."""

    def __init__(self, net: SignNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, crops: Tensor) -> Tensor:
        embedding: Tensor = self.net(crops).embedding
        return embedding


def encoder_graph(net: SignNet, *, dynamo: bool = False, **options: Any) -> onnx.ModelProto:
    """The net without its classifier in ONNX, for any number of crops.

    Args:
        net: In evaluation mode.
        dynamo: With torch's newer exporter, which needs onnxscript and is several times as slow.
        options: More for `torch.onnx.export`.

    Raises:
        Exception: Whatever the exporter makes of an operation that it lacks.
    """
    buffer = io.BytesIO()
    crops = torch.zeros(2, 3, net.crop_size, net.crop_size)
    shapes: dict[str, Any] = {"dynamic_axes": {"crops": {0: "n"}, "embedding": {0: "n"}}}
    if dynamo:
        shapes = {"dynamic_shapes": ({0: torch.export.Dim("n")},), "verbose": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Embedding(net).eval(),
            (crops,),
            buffer,  # type: ignore[arg-type]
            dynamo=dynamo,
            input_names=["crops"],
            output_names=["embedding"],
            opset_version=_DYNAMO_OPSET if dynamo else _OPSET,
            **shapes,
            **options,
        )
    return onnx.load_from_string(buffer.getvalue())


def export_encoder(net: SignNet, path: str | Path, model_digest: str) -> str | None:
    """Write the encoder of a net for `OnnxEncoder`, or tell why there is none.

    The file counts only if it gives the net's own embeddings of a few crops of noise; a backbone
    that ONNX cannot express leaves no file.

    Args:
        net: The classifier; left in evaluation mode.
        path: Where to write.
        model_digest: Checksum of the net's saved weights, kept in the file.

    Returns:
        None if the file was written, else the reason.
    """
    size = net.crop_size
    try:
        graph = encoder_graph(folded(net))
    except Exception as error:  # whatever an exporter makes of an operation that it lacks
        return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    graph.metadata_props.add(key=MODEL_DIGEST, value=model_digest)
    content = with_seal(graph.SerializeToString())
    probes = np.random.default_rng(0).integers(0, 256, (_PROBES, 3, size, size), np.uint8)
    wanted = net_outputs(net, probes).embedding
    try:
        found = OnnxEncoder(content).embed(probes)
    except InputError as error:  # a loop or a branch, say, which no encoder of ours has
        return error.problem
    apart = np.abs(found - wanted).max() / np.abs(wanted).max()
    if not apart <= _TOLERANCE:
        return f"its embeddings are {apart:.1e} off those of the net"
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    return None
