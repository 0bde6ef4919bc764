"""What a sign is made of: a frame, and layers of pictograms, lettering and smaller signs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from raresign.signs.icons.lettering import Weight


@dataclass(frozen=True)
class Box:
    """A rectangle: left edge, top edge, width and height in mm."""

    left: float
    top: float
    width: float
    height: float

    def mirrored(self, width: float) -> Box:
        """The place on the other side of a drawing `width` mm wide."""
        return replace(self, left=width - self.left - self.width)


@dataclass(frozen=True)
class Frame:
    """A sign face without its meaning.

    Args:
        width: Of the drawing, mm.
        height: Of the drawing, mm.
        outline: SVG element without its end: the plate's edge, which clips the contents.
        back: SVG drawn under the contents; the paint `field` is the ground.
        front: SVG drawn over the contents: the slash of a ban, the stripes of an end.
    """

    width: int
    height: int
    outline: str
    back: str
    front: str = ""


@dataclass(frozen=True)
class Picture:
    """A pictogram (pictograms/<name>.svg), as large as fits into a box and centred in it.

    Args:
        name: Of the file.
        box: Its place on the face.
        colour: What `currentColor` is in it: a name of the palette.
        mirrored: The layer is seen in a mirror, its place too.
        turn: Degrees clockwise about the middle of the box, before any mirror.
    """

    name: str
    box: Box
    colour: str = "black"
    mirrored: bool = False
    turn: float = 0


@dataclass(frozen=True)
class Text:
    """A line of lettering, as large as fits into a box; the comma of a value hangs below.

    Args:
        text: What is set. `{value}`, `{1}`, `{2}` are filled by the value in the class code, or the
            line is left out; what stands in `[]` is smaller, as a unit beside its value.
        box: Its place on the face.
        colour: A name of the palette.
        weight: Of Source Sans.
        spacing: Between letters, besides their own, in heights of a capital.
        turn: Degrees clockwise about the middle of the box.
    """

    text: str
    box: Box
    colour: str = "black"
    weight: Weight = "Bold"
    spacing: float = 0
    turn: float = 0

    def names(self) -> list[str]:
        """The values that the text asks for."""
        return re.findall(r"\{(\w+)\}", self.text)


@dataclass(frozen=True)
class Inset:
    """Another sign of the table, drawn small."""

    code: str
    box: Box
    mirrored: bool = False


Layer = Picture | Text | Inset


@dataclass(frozen=True)
class Sign:
    """A sign: a frame (its name) with layers, lowest first; `field` is the colour of the ground."""

    frame: str
    layers: tuple[Layer, ...] = ()
    field: str = "white"


def sign(frame: str, *layers: Layer, field: str = "white") -> Sign:
    """A sign in fewer brackets."""
    return Sign(frame, layers, field)


def mirror(original: Sign, width: float = 700) -> Sign:
    """The twin of a sign: its layers in a mirror, but lettering to be read; slashes keep their way.

    Args:
        original: Its frame is its own mirror image but for the front.
        width: Of the frame's drawing, mm.
    """
    return replace(original, layers=tuple(_mirrored(layer, width) for layer in original.layers))


def _mirrored(layer: Layer, width: float) -> Layer:
    if isinstance(layer, Text):
        return replace(layer, box=layer.box.mirrored(width), turn=-layer.turn)
    return replace(layer, mirrored=not layer.mirrored)
