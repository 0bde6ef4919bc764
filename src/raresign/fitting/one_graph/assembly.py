"""Puts one ONNX graph together out of pieces."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper, parser, version_converter

OPSET, _IR = 20, 10


def parsed(text: str, arrays: Mapping[str, np.ndarray]) -> onnx.GraphProto:
    """A piece from ONNX's own text syntax, `name (inputs) => (outputs) { nodes }`, and its arrays.

    Example:
        >>> text = "twice (float[n] x) => (float[n] y) { y = Mul(x, two) }"
        >>> parsed(text, {"two": np.array(2.0)}).name
        'twice'
    """
    graph: onnx.GraphProto = parser.parse_graph(text)
    for name, values in arrays.items():
        given = np.asarray(values)
        if given.dtype.kind == "U":
            texts = [str(value).encode() for value in given.flat]
            one = onnx.TensorProto(
                name=name, data_type=onnx.TensorProto.STRING, dims=given.shape, string_data=texts
            )
        else:
            one = numpy_helper.from_array(given, name)
        graph.initializer.append(one)
    return graph


def piece_of(content: bytes) -> onnx.GraphProto:
    """The graph of an ONNX file, in the operators of `OPSET`."""
    model = onnx.load_from_string(content)
    if next(one.version for one in model.opset_import if one.domain == "") != OPSET:
        model = version_converter.convert_version(model, OPSET)
    found: onnx.GraphProto = model.graph
    return found


class Assembly:
    """A graph that grows by pieces; each one's names get a prefix, so a piece may come twice.

    Example:
        >>> made = Assembly()
        >>> double = parsed("d (float[n] x) => (float[n] y) { y = Add(x, x) }", {})
        >>> four = made.add("b", double, x=made.add("a", double, x="given")["y"])["y"]
        >>> [node.output[0] for node in made.graph.node], four
        (['a/y', 'b/y'], 'b/y')
    """

    def __init__(self) -> None:
        self.graph = onnx.GraphProto(name="raresign")

    def add(self, prefix: str, piece: onnx.GraphProto, **inputs: str) -> dict[str, str]:
        """Append a piece.

        Args:
            prefix: Of its names.
            piece: Stays as it is.
            inputs: By the name of each of its inputs what is fed: a name of the graph.

        Returns:
            By the name of each of its outputs what it is called in the graph.
        """
        own = {"": ""} | inputs
        for tensor in piece.initializer:
            own[tensor.name] = f"{prefix}/{tensor.name}"
            self.graph.initializer.add().CopyFrom(tensor)
            self.graph.initializer[-1].name = own[tensor.name]
        for node in piece.node:
            own |= {name: f"{prefix}/{name}" for name in node.output if name}
        for node in piece.node:
            added = self.graph.node.add()
            added.CopyFrom(node)
            added.name = f"{prefix}/{node.name}" if node.name else ""
            added.input[:] = [own[name] for name in node.input]
            added.output[:] = [own[name] for name in node.output]
        return {value.name: own[value.name] for value in piece.output}

    def model(
        self, inputs: list[onnx.ValueInfoProto], outputs: Mapping[str, tuple[str, int, list[int]]]
    ) -> onnx.ModelProto:
        """The whole, checked.

        Args:
            inputs: Of the graph.
            outputs: By the name that each shall have: its name here, ONNX's number of its type, and
                its shape.
        """
        self.graph.input.extend(inputs)
        for name, (inner, kind, shape) in outputs.items():
            self.graph.node.append(helper.make_node("Identity", [inner], [name]))
            self.graph.output.append(helper.make_tensor_value_info(name, kind, shape))
        imports = [helper.make_opsetid("", OPSET)]
        made: onnx.ModelProto = helper.make_model(
            self.graph, opset_imports=imports, ir_version=_IR, producer_name="raresign"
        )
        onnx.checker.check_model(made)
        return made
