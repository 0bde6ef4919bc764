"""A network in ONNX that a stranger may have made: looked through, then opened by onnxruntime.

onnxruntime runs no code of a file, but a file may ask it to read another one for its weights, to
loop without end, or to unfold functions of functions into billions of nodes. Ours need none of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import onnxruntime

MOST_SIDE = 1024
"""Pixels: the largest crops that a network may ask for."""
_MOST_FIELDS = 2_000_000
# Fields of ONNX's messages (onnx.proto) by number. A reader of protobuf may take the fields of a
# message in any order, and several times, so each one that comes is looked at.
_PARTS: dict[str, dict[int, str]] = {
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 10: "tensor", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_REFUSED = {
    ("model", 20): "it holds steps of a training",
    ("model", 25): "it holds functions of its own",
    ("attribute", 6): "it holds a loop or a branch",
    ("attribute", 11): "it holds a loop or a branch",
    ("tensor", 13): "it names another file",
    ("tensor", 14): "it names another file",
}


def open_network(content: bytes, threads: int, own: bool = False) -> Any:
    """A session of onnxruntime on the CPU.

    Args:
        content: Of an ONNX file.
        threads: Cores to use; 0 takes all.
        own: The file came with the package, as this code did: it need not be looked through.

    Raises:
        ValueError: See `check_network`.
        Exception: onnxruntime has a class of its own for each kind of damage.
    """
    if not own:
        check_network(content)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Else a file in onnxruntime's own format would be taken, too, which nothing has looked through.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def side_of(session: Any) -> int:
    """S of a network that takes (N, 3, S, S).

    Raises:
        ValueError: It takes something else, or pictures of more than `MOST_SIDE` pixels a side.
    """
    shape = session.get_inputs()[0].shape
    side = shape[-1]
    if len(shape) != 4 or type(side) is not int or shape[1:] != [3, side, side]:
        raise ValueError(f"it takes pictures of the shape {str(shape)[:80]}")
    if not 1 <= side <= MOST_SIDE:
        raise ValueError(f"it takes pictures of {side} x {side} pixels, at most {MOST_SIDE}")
    return side


def check_network(content: bytes) -> None:
    """Refuse a network that reads another file, loops, branches, or has functions of its own.

    Only the structure is read; what the tensors hold is passed over.

    Raises:
        ValueError: It does, or the file is no ONNX.

    Example:
        >>> check_network(bytes([0x3A, 6, 0x2A, 4, 0x6A, 2, 0x0A, 0]))
        Traceback (most recent call last):
        ...
        ValueError: it names another file
    """
    left = _MOST_FIELDS
    waiting = [("model", memoryview(content))]
    while waiting:
        kind, message = waiting.pop()
        for number, value in _fields(message):
            left -= 1
            if left < 0:
                raise ValueError("it has more parts than any network")
            if (why := _REFUSED.get((kind, number))) and value != 0:  # 0: said, and not so
                raise ValueError(why)
            if inner := _PARTS[kind].get(number):
                if isinstance(value, int):
                    raise ValueError("it is no ONNX file")
                waiting.append((inner, value))


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Number and content of each field of a message; numbers of fixed length are passed over."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
        elif kind == 2:
            length, at = _varint(message, at)
            if length > len(message) - at:
                raise ValueError("it is cut, or no ONNX file")
            yield number, message[at : at + length]
            at += length
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("it is no ONNX file")
    if at > len(message):
        raise ValueError("it is cut, or no ONNX file")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends; it may be written longer than it need be."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("it is cut, or no ONNX file")
