"""What the service is asked and what it answers, as types."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _number(value: Any) -> Any:
    """A number as JSON has it: neither true nor "5", but 5.0 is 5."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a whole number is wanted")
    return value


Pixels = Annotated[float, Field(strict=True, ge=-1e6, le=1e6)]
Box = Annotated[
    list[Pixels],
    Field(min_length=4, max_length=4, description="x0, y0, x1, y1 in pixels, x1 and y1 exclusive"),
]
Whole = Annotated[int, BeforeValidator(_number)]
Top = Annotated[int, Field(ge=1, le=50, description="Guesses a crop"), BeforeValidator(_number)]
Base64 = Annotated[
    str,
    Field(
        min_length=4,
        pattern=r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        json_schema_extra={"contentEncoding": "base64"},
        description="A file in base64",
    ),
]
Code = Annotated[str, Field(min_length=1, max_length=100, description="Class code")]


class _Asked(BaseModel):
    """What we are sent: nothing else may stand in it."""

    model_config = ConfigDict(extra="forbid")


class PictureAsked(_Asked):
    """One picture: a sign, cut out, or a frame with the boxes of its signs."""

    content: Base64
    boxes: list[Box] | None = None


class ClassifyAsked(_Asked):
    """Pictures to be named."""

    pictures: Annotated[list[PictureAsked], Field(min_length=1)]
    top: Top = 5


class BoxesAsked(_Asked):
    """The fields of a form beside its pictures; the boxes are the same in each of them."""

    boxes: list[Box] | None = None
    top: Top = 5


class Detection(_Asked):
    """A sign that a detector found."""

    id: str | Whole | None = None
    shape: Box


class AnnotateAsked(_Asked):
    """A picture and what a detector found in it."""

    content: Base64
    annotations: Annotated[list[Detection], Field(min_length=1)]


class DetectionsAsked(_Asked):
    """The field of a form beside its picture."""

    annotations: Annotated[list[Detection], Field(min_length=1)]


class ClassAsked(_Asked):
    """A sign to add, from its official icon."""

    code: Code
    name: Annotated[str, Field(max_length=200, description="For people")] = ""
    icon: Base64 = Field(description="PNG, SVG or JPEG file in base64")


class Guess(BaseModel):
    """One possible class of a crop."""

    code: str
    name: str
    probability: float
    family: str


class CropAnswer(BaseModel):
    """The answer for one crop, or why there is none; what is not known then is null."""

    picture: int = Field(description="Place of the picture in the request, from 0")
    box: list[float] | None
    answer: str | None = Field(description="In words")
    level: Literal["class", "family", "sign", "none"] | None
    known: float | None = Field(description="Chance that the sign is in the model")
    family: str | None
    answers: list[Guess]
    check_me: bool = Field(description="Whether a person should look")
    error: str | None


class Classified(BaseModel):
    """Answers, picture by picture and box by box."""

    model: str = Field(description="NAME/VERSION of the model that answered")
    answers: list[CropAnswer]


class Semantics(BaseModel):
    """One statement about a sign."""

    key: str
    value: str


class Annotation(BaseModel):
    """A detection with what it shows; `semantics` is empty where no class is named."""

    id: str | int | None
    shape: list[float]
    semantics: list[Semantics]
    answer: CropAnswer


class AnnotationsMade(BaseModel):
    """Annotations, in the order of the detections."""

    model: str
    annotations: list[Annotation]


class SignKnown(BaseModel):
    """One class of the model."""

    code: str
    name: str
    family: str
    type: Literal["freq", "rare"]
    twin: str | None


class Signs(BaseModel):
    """All classes of the model."""

    model: str
    classes: list[SignKnown]


class SignAdded(BaseModel):
    """What is known of a class that was added; `recall` is a forecast."""

    code: str
    name: str
    family: str
    recall: float | None
    low: float | None
    high: float | None
    confusions: dict[str, float]


class JobTold(BaseModel):
    """A class that is being added; the old model answers until the new one is loaded whole."""

    id: str
    code: str
    state: Literal["queued", "running", "done", "failed"]
    message: str = Field(description="The same in words, or what went wrong")
    hint: str = Field(description="What to do about it; empty unless it failed")
    result: SignAdded | None = Field(description="Once it is done")


class ModelFacts(BaseModel):
    """What answers here."""

    model: str
    kind: Literal["run", "bundle", "built-in"]
    raresign: str
    country: str | None
    classes: int
    crop_size: int
    card: str | None = Field(description="Markdown")
    asked: SignKnown | None = Field(description="The class that ?code= asks for")
    known: bool | None = Field(description="Whether the model has it; null if none is asked for")


class Health(BaseModel):
    """How the service is."""

    status: Literal["ok", "ready"]


class Problem(BaseModel):
    """Every error has this form."""

    error: str = Field(description="What is wrong")
    hint: str = Field(description="What to do about it")
