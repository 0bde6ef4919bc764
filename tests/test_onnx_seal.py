"""`encoder.onnx` with its own checksum: the runtime reads it, and one changed bit is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from raresign.errors import InputError
from raresign.runtime.onnx_encoder import OnnxEncoder, with_seal


def graph() -> bytes:
    """Takes the mean of each channel, times weights."""
    weights = numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(3, 2), "w")
    nodes = [
        helper.make_node("ReduceMean", ["crops"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["embedding"]),
    ]
    taken = helper.make_tensor_value_info("crops", TensorProto.FLOAT, ["n", 3, 8, 8])
    given = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 2])
    made = helper.make_graph(nodes, "g", [taken], [given], [weights])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    model.metadata_props.add(key="model_sha256", value="abc")
    content: bytes = model.SerializeToString()
    return content


def test_a_sealed_file_is_the_same_graph(tmp_path: Path) -> None:
    plain, crops = graph(), np.full((2, 3, 8, 8), 51, np.uint8)
    (tmp_path / "a.onnx").write_bytes(with_seal(plain))
    sealed = OnnxEncoder(tmp_path / "a.onnx")
    assert sealed.model_digest == "abc"
    np.testing.assert_array_equal(sealed.embed(crops), OnnxEncoder(plain).embed(crops))
    onnx.checker.check_model(onnx.load(tmp_path / "a.onnx"))


def test_one_changed_bit_is_found(tmp_path: Path) -> None:
    content = with_seal(graph())
    file = tmp_path / "a.onnx"
    for place in [*range(0, len(content) - 80, 7), len(content) - 1, len(content) - 30]:
        file.write_bytes(
            content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]
        )
        with pytest.raises(InputError, match="no readable encoder: the checksum"):
            OnnxEncoder(file)
