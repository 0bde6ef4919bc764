"""One graph of a model: decoded picture in, code, name, probability and level out."""

from __future__ import annotations

from collections.abc import Mapping

from onnx import TensorProto, helper

from raresign.fitting.one_graph.assembly import Assembly, piece_of
from raresign.fitting.one_graph.framing_pieces import add_crop, add_found, add_whole
from raresign.fitting.one_graph.head_pieces import add_head
from raresign.framing.finder import own_finder
from raresign.runtime.recogniser import Recogniser

_FLOAT, _TEXT = TensorProto.FLOAT, TensorProto.STRING


def one_graph(model: Recogniser, encoder: bytes, facts: Mapping[str, str]) -> bytes:
    """A model as one ONNX file, for programs that have onnxruntime and nothing of ours.

    It takes `picture`, (H, W, 3) uint8, one sign, cut out, RGB, of any size, and gives, each of one
    value: `code`, `name`, `probability`, `level`, `family`, `family_probability`; and for all
    classes `probabilities`, `codes`, `names`.

    Args:
        model: Its head, catalogue and framing; what `accepting`, `cautious` and `allowing` made of
            it is left out.
        encoder: Content of its encoder.onnx.
        facts: Metadata of the file.
    """
    made, size = Assembly(), model.encoder.crop_size
    if model.framing == "found":
        finder = model.finder or own_finder()
        box = add_found(made, "picture", piece_of(finder.content), finder.size)
    else:
        box = add_whole(made)
    crop = add_crop(made, "crop", "picture", box, size)
    embedding = made.add("encoder", piece_of(encoder), crops=crop)["embedding"]
    signs = model.catalogue.classes
    codes, names = [sign.code for sign in signs], [sign.name for sign in signs]
    told = add_head(made, model.head, codes, names, embedding)
    every = [len(signs)]
    whole = made.model(
        [helper.make_tensor_value_info("picture", TensorProto.UINT8, ["height", "width", 3])],
        {
            "code": (told["code"], _TEXT, [1]),
            "name": (told["name"], _TEXT, [1]),
            "probability": (told["probability"], _FLOAT, [1]),
            "level": (told["level_name"], _TEXT, [1]),
            "family": (told["family_name"], _TEXT, [1]),
            "family_probability": (told["family_probability"], _FLOAT, [1]),
            "probabilities": (told["probabilities"], _FLOAT, [1, *every]),
            "codes": (told["codes"], _TEXT, every),
            "names": (told["names"], _TEXT, every),
        },
    )
    helper.set_model_props(whole, dict(facts))
    content: bytes = whole.SerializeToString(deterministic=True)
    return content
