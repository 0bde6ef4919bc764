"""A synthesis preset: which effects, with which ranges; YAML in, validated settings out."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from raresign.errors import InputError
from raresign.files import read_text
from raresign.parsing import MAX_YAML_BYTES, parse_yaml
from raresign.synthesis.effect import Effect, Range, WholeRange, inside
from raresign.synthesis.effects.colour import ColourCast, Exposure, Fading, Haze, Saturation
from raresign.synthesis.effects.damage import Dents, Rust, Scratches, Stickers
from raresign.synthesis.effects.geometry import Pose
from raresign.synthesis.effects.jpeg import Jpeg
from raresign.synthesis.effects.lens import ChromaticAberration, MotionBlur
from raresign.synthesis.effects.light import Backlight, LightGradient, Night, Shadow, Specular
from raresign.synthesis.effects.mounting import Board, Neighbour, Pole
from raresign.synthesis.effects.occlusion import Branches, FrameEdge, Post, TightBox
from raresign.synthesis.effects.readout import Demosaic, Noise, Sharpening, ToneCurve
from raresign.synthesis.effects.scene import Background, OtherSign
from raresign.synthesis.effects.sensor import Sensor
from raresign.synthesis.effects.surface import Dirt, Glare, Peeling
from raresign.synthesis.effects.weather import Rain, Snow
from raresign.synthesis.guard import Guard
from raresign.synthesis.validation import SHORT, validation_problem


class RoadPreset(BaseModel):
    """The engine that follows light; its fields stand in that order.

    Surface -> mounting -> scene -> light -> weather -> occlusion -> lens -> sensor -> file -> crop.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    engine: Literal["road"] = "road"
    name: str = "road"
    pose: Pose = Pose()
    fading: Fading = Fading()
    dirt: Dirt = Dirt()
    peeling: Peeling = Peeling()
    scratches: Scratches = Scratches()
    stickers: Stickers = Stickers()
    rust: Rust = Rust()
    dents: Dents = Dents()
    sign_exposure: Exposure = Exposure()
    glare: Glare = Glare()
    board: Board = Board()
    pole: Pole = Pole()
    neighbour: Neighbour = Neighbour()
    background: Background = Background()
    sign_behind: OtherSign = OtherSign(probability=0.1)
    light_gradient: LightGradient = LightGradient()
    shadow: Shadow = Shadow()
    specular: Specular = Specular()
    backlight: Backlight = Backlight()
    night: Night = Night()
    rain: Rain = Rain()
    snow: Snow = Snow()
    branches: Branches = Branches()
    post: Post = Post()
    sign_before: OtherSign = OtherSign(probability=0.03, distance=(1.2, 1.5))
    frame_edge: FrameEdge = FrameEdge()
    motion_blur: MotionBlur = MotionBlur(probability=0.3)
    chromatic_aberration: ChromaticAberration = ChromaticAberration(probability=0.2)
    sensor: Sensor = Sensor()
    exposure: Exposure = Exposure()
    colour_cast: ColourCast = ColourCast()
    haze: Haze = Haze(probability=0.3)
    saturation: Saturation = Saturation()
    noise: Noise = Noise()
    demosaic: Demosaic = Demosaic(probability=0.5)
    tone_curve: ToneCurve = ToneCurve(probability=0.3)
    sharpening: Sharpening = Sharpening(probability=0.5)
    jpeg: Jpeg = Jpeg(probability=0.5)
    tight_box: TightBox = TightBox()
    guard: Guard = Guard()

    def effects(self) -> dict[str, Effect]:
        """Every effect by the name of its field, in order."""
        fields = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: value for name, value in fields if isinstance(value, Effect)}


class ReferencePreset(BaseModel):
    """Every constant of the published system; its faults can be switched on for comparisons."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    engine: Literal["reference"] = "reference"
    name: str = "reference"
    icon_pixels: Annotated[WholeRange, inside(1, 4096)] = (16, 128)
    """Side that the icon is resized to."""
    padding: float = Field(default=0.15, ge=0.0, le=10.0)
    """Largest transparent padding as a share of the icon's side."""
    rotation: WholeRange = (-15, 15)
    """Degrees, whole numbers."""
    box_blur: int = Field(default=3, ge=1)
    """Side of the box filter on all four channels in icon pixels; 1 switches it off."""
    gaussian_radius: float = Field(default=2.0, ge=0.0)
    """Standard deviation of the Gaussian filter in icon pixels; 0 switches it off."""
    brightness: Annotated[Range, inside(0, 10)] = (0.5, 0.8)
    """Factor of the sign's colours."""
    background_growth: float = Field(default=0.15, ge=0.0, le=10.0)
    """How much larger than the icon the squashed background may be."""
    squash_background: bool = True
    """The whole photo squashed to the crop, as the reference does; else a crop of the photo."""
    fault_prefix_icons: bool = False
    """Fault 1: a class draws every icon whose name contains its code as a regular expression."""
    fault_flips: bool = False
    """Fault 2: half of the crops are mirrored and keep their label."""


_adapter: TypeAdapter[RoadPreset | ReferencePreset] = TypeAdapter(
    Annotated[RoadPreset | ReferencePreset, Field(discriminator="engine")]
)


_FOLDER = resources.files("raresign.synthesis") / "presets"


def preset_names() -> tuple[str, ...]:
    """Names of the presets that come with the package.

    Example:
        >>> preset_names()
        ('reference', 'reference-faults', 'road')
    """
    return tuple(sorted(Path(f.name).stem for f in _FOLDER.iterdir() if f.name.endswith(".yaml")))


def load_preset(source: str | Path | dict[str, Any]) -> RoadPreset | ReferencePreset:
    """A preset by name, from a YAML file, or from a mapping.

    Raises:
        InputError: Unknown name, unreadable file, unknown key or impossible value; the message
            names the key.

    Example:
        >>> load_preset("reference").brightness
        (0.5, 0.8)
        >>> load_preset({"sensor": {"pixels": [64, 10]}})  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        raresign.errors.InputError: preset: sensor.pixels: a range goes from low to high, ...
    """
    if isinstance(source, dict):
        return _validated(source, "preset")
    path = Path(source)
    if str(source) in preset_names():
        return _validated(_packaged(str(source)), str(source), {})
    if path.suffix not in {".yaml", ".yml"}:
        raise InputError(
            f"no preset is called '{source}'",
            f"use one of {', '.join(preset_names())} or a .yaml file",
        )
    try:
        values = parse_yaml(read_text(path, MAX_YAML_BYTES))
    except OSError as error:
        raise InputError(f"cannot read the preset {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"cannot read the preset {path}: it is no UTF-8 text") from error
    except ValueError as error:
        raise InputError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: a preset is a mapping of effects, got {type(values).__name__}")
    return _validated(values, str(path))


@cache
def _packaged(name: str) -> dict[str, Any]:
    """The values of a preset that comes with the package, read once; never change them."""
    values: dict[str, Any] = parse_yaml((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return values


def _validated(
    values: dict[str, Any], where: str, start: dict[str, Any] | None = None
) -> RoadPreset | ReferencePreset:
    """The preset of these values; `start` (`road.yaml` if None) holds where they name none."""
    engine = values.get("engine", "road")
    if not isinstance(engine, str):
        raise InputError(f"{where}: engine: a name, got {SHORT.repr(engine)}")
    if start is None:
        start = _packaged("road") if engine == "road" else {}
    merged = {"engine": engine, **start, **values}
    for name, setting in values.items():
        if isinstance(setting, dict) and isinstance(start.get(name), dict):
            merged[name] = {**start[name], **setting}
    try:
        return _adapter.validate_python(merged)
    except ValidationError as error:
        raise InputError(f"{where}: {validation_problem(error)}") from error
