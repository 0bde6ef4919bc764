"""A net's encoder in ONNX with float16 weights, from which the net itself can be had again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper

from raresign.errors import InputError
from raresign.fitting.encoder_export import encoder_graph
from raresign.fitting.smaller_encoder import halve
from raresign.models.built_in_weights import NET
from raresign.models.sign_net import SignNet


def half_encoder(net: SignNet) -> bytes:
    """The content of an encoder.onnx for `OnnxEncoder`, half as large as a run's.

    Weights of convolutions and linear layers are float16 and cast to float32 when the file is
    loaded; everything is computed in float32. Batch normalisations are not folded, and their
    statistics stay float32, so that a training can begin from the file.

    Raises:
        InputError: A weight has no float16, or the exporter changed one.
    """
    model = encoder_graph(
        net.eval(), training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False
    )
    graph = model.graph
    own = {f"{NET}{name}": weight.detach() for name, weight in net.state_dict().items()}
    _part(graph, own)
    for one in list(graph.initializer):
        if one.name not in own or one.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(one)
        if not np.array_equal(values, own[one.name].numpy()):
            raise InputError(f"ONNX holds another {one.name} than the net", "use another backbone")
        if values.ndim > 1 and one.name not in (f"{NET}mean", f"{NET}std"):
            halve(graph, one, values)
    content: bytes = model.SerializeToString()
    return content


def _part(graph: onnx.GraphProto, own: Mapping[str, torch.Tensor]) -> None:
    """Give each weight an initialiser: the exporter joins equal ones, as of a net just made."""
    for node in list(graph.node):
        if node.op_type == "Identity" and node.output[0] in own:
            name = node.output[0]
            graph.node.remove(node)
            graph.initializer.append(numpy_helper.from_array(own[name].numpy(), name))
