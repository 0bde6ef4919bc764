"""How a picture becomes what the encoder takes, written out so that another program can do it."""

from __future__ import annotations

from typing import Any

from raresign.crops.decode import MID_GREY
from raresign.crops.squashing import CONTEXT
from raresign.framing.finder import (
    FARTHEST,
    FILL,
    LARGEST,
    LOOK,
    SMALLEST,
    Finder,
    Framing,
)
from raresign.framing.framed_picture import REDUCING_GAP


def preprocessing(size: int, framing: Framing, finder: Finder | None) -> dict[str, Any]:
    """What this version does, in plain values.

    Args:
        size: Side of the encoder's crops in pixels.
        framing: How crops are framed.
        finder: What frames them; None with `whole`.

    Example:
        >>> preprocessing(64, "whole", None)["encoder"]["shape"]
        ['n', 3, 64, 64]
    """
    return {
        "picture": {
            "exif_orientation": "applied",
            "transparency": f"laid on RGB {list(MID_GREY[:3])}",
            "sixteen_bits": "high byte",
            "channels": "RGB",
        },
        "box": {
            "rounding": "outwards to whole pixels, clipped to the picture",
            "wider_on_each_side": CONTEXT if framing == "found" else 0.0,
        },
        "framing": framing,
        "finder": None
        if finder is None
        else {
            "file": "finder.onnx",
            "shape": ["n", 3, finder.size, finder.size],
            "input": "crops",
            "output": "box: middle x, y, half width, half height; the picture is -1 to 1 both ways",
            "looks": "at the whole picture, then at what was found, enlarged",
            "second_look_larger": LOOK,
            "half_sides": [SMALLEST, LARGEST],
            "middle_at_most": FARTHEST,
            "cut_larger": FILL,
        },
        "resize": {
            "to": [size, size],
            "aspect": "squashed",
            "filter_if_a_side_shrinks": "Lanczos, a = 3, antialiased",
            "filter_else": "bicubic, a = -0.5",
            "library": "Pillow",
            "reducing_gap": REDUCING_GAP,
            "beyond_the_picture": "its edge pixels go on",
            "values": "uint8",
        },
        "encoder": {
            "file": "encoder.onnx",
            "shape": ["n", 3, size, size],
            "type": "float32",
            "scale": "value / 255",
            "mean_and_deviation": "inside the network",
            "input": "crops",
            "output": "embedding",
        },
    }
