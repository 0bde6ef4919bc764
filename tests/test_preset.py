"""Presets: what ships loads and names every setting; a mistake is told by its key."""

from __future__ import annotations

import math
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from raresign.errors import InputError
from raresign.synthesis.effect import Effect
from raresign.synthesis.preset import ReferencePreset, RoadPreset, load_preset, preset_names

FOLDER = resources.files("raresign.synthesis") / "presets"


def shipped(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def test_the_three_presets_ship() -> None:
    assert set(preset_names()) == {"road", "reference", "reference-faults"}


@pytest.mark.parametrize("name", preset_names())
def test_a_shipped_preset_loads_under_its_own_name(name: str) -> None:
    preset = load_preset(name)
    assert preset.name == name
    assert isinstance(preset, RoadPreset if name == "road" else ReferencePreset)
    assert load_preset(preset.model_dump()) == preset  # what a run writes down reads back


@pytest.mark.parametrize("name", preset_names())
def test_every_shipped_preset_draws_its_own_values(name: str) -> None:
    """No value of the file is lost or bent on the way into the settings."""

    def compare(values: dict[str, Any], settings: dict[str, Any]) -> None:
        for key, value in values.items():
            if isinstance(value, dict):
                compare(value, settings[key])
            else:
                found = settings[key]
                assert (list(found) if isinstance(found, tuple) else found) == value, key

    compare(shipped(name), load_preset(name).model_dump())


def missing_keys(model: BaseModel, values: dict[str, Any], where: str = "") -> list[str]:
    """Settings that a YAML file leaves unsaid; `probability` may be (it is 1)."""
    missing = []
    for key in type(model).model_fields:
        inner = getattr(model, key)
        if key not in values:
            if key != "probability":
                missing.append(where + key)
        elif isinstance(inner, BaseModel):
            missing += missing_keys(inner, values[key], f"{where}{key}.")
    return missing


@pytest.mark.parametrize("name", ["road", "reference"])
def test_the_yaml_names_every_setting(name: str) -> None:
    """So the file is the documentation, and no number hides in the code."""
    preset = load_preset(name)
    assert missing_keys(preset, shipped(name)) == []


def test_the_reference_preset_is_the_published_generator_without_its_faults() -> None:
    assert load_preset("reference") == ReferencePreset()
    faulty = load_preset("reference-faults")
    assert faulty == ReferencePreset(
        name="reference-faults", fault_prefix_icons=True, fault_flips=True
    )


def test_the_road_preset_never_mirrors_or_hides_a_sign() -> None:
    road = load_preset("road")
    assert isinstance(road, RoadPreset)
    assert road.guard.enabled
    assert max(map(abs, road.pose.rotation)) < 45
    assert max(map(abs, road.pose.tilt)) < 60


# --- the user's own ------------------------------------------------------------------------------


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "dusk.yaml"
    path.write_text("name: dusk\nsign_exposure:\n  gain: [0.1, 0.4]\n", encoding="utf-8")
    preset = load_preset(path)
    assert isinstance(preset, RoadPreset)  # where no engine is named
    assert preset.name == "dusk"
    assert preset.sign_exposure.gain == (0.1, 0.4)
    assert preset.haze == load_preset("road").haze  # type: ignore[union-attr]
    assert load_preset(str(path)) == preset


def test_ones_own_file_starts_from_road_yaml(tmp_path: Path) -> None:
    """What it leaves unsaid is road.yaml's, within an effect too, not the default in the code."""
    path = tmp_path / "mine.yaml"
    path.write_text("noise: {read: [0.1, 0.2]}\njpeg: {probability: 0}\n", encoding="utf-8")
    preset, road = load_preset(path), load_preset("road")
    assert isinstance(preset, RoadPreset)
    assert isinstance(road, RoadPreset)
    assert preset.noise == road.noise.model_copy(update={"read": (0.1, 0.2)})
    assert preset.jpeg.quality == road.jpeg.quality
    others = {"noise", "jpeg"}
    assert preset.model_dump(exclude=others) == road.model_dump(exclude=others)
    assert load_preset({}) == road
    assert road.noise != RoadPreset().noise  # or this test would show nothing


def test_the_reference_does_not_start_from_road_yaml() -> None:
    assert load_preset({"engine": "reference", "padding": 0.3}) == ReferencePreset(padding=0.3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sensr": {}}, "sensr: there is no such setting"),
        ({"sensor": {"pixel": [1, 2]}}, "sensor.pixel: there is no such setting"),
        ({"sensor": {"pixels": [64, 10]}}, "sensor.pixels: a range goes from low to high"),
        ({"sensor": {"pixels": [0, 10]}}, "sensor.pixels: a range between 1 and 4096"),
        ({"sensor": {"pixels": ["a", 10]}}, "sensor.pixels.0: .*got 'a'"),
        ({"sensor": {"pixels": 10}}, "sensor.pixels: .*got 10"),
        ({"sensor": {"probability": 0.5}}, "sensor.probability: .*got 0.5"),
        ({"noise": {"read": [0, float("inf")]}}, "noise.read.1: .*finite"),
        ({"noise": {"read": [0, float("nan")]}}, "noise.read"),
        ({"noise": {"read": [0]}}, "noise.read: a range has a low and a high end"),
        ({"jpeg": {"quality": [30, 95, 75]}}, r"jpeg.quality: .*got \[30, 95, 75\]"),
        ({"sign_exposure": {"gain": [0, 1]}}, "sign_exposure.gain"),
        ({"background": {"gain": [-1, 1]}}, "background.gain: a range between"),
        ({"background": {"flat": 1.5}}, "background.flat: .*got 1.5"),
        ({"haze": {"probability": -0.1}}, "haze.probability"),
        ({"haze": None}, "haze: .*got None"),
        ({"guard": {"tries": 0}}, "guard.tries: .*got 0"),
        ({"engine": "dream"}, "engine: one of 'road', 'reference', got 'dream'"),
        ({"engine": ["road"]}, r"engine: a name, got \['road'\]"),
        ({"engine": None}, "engine: a name, got None"),
        ({"name": 5}, "name: .*got 5"),
        ({"engine": "reference", "icon_pixels": [0, 64]}, "icon_pixels: a range between"),
        ({"engine": "reference", "icon_pixels": [16.5, 64]}, "icon_pixels.0: .*got 16.5"),
        ({"engine": "reference", "rotation": [15, -15]}, "rotation: a range goes"),
        ({"engine": "reference", "brightness": [-1, 1]}, "brightness: a range between"),
        ({"engine": "reference", "pose": {}}, "pose: there is no such setting"),
        ({"engine": "reference", "box_blur": 0}, "box_blur: .*got 0"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_mistake_names_its_key(values: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        load_preset(values)
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.yaml: " + message):
        load_preset(path)


def settings_of_effects() -> list[tuple[str, str]]:
    effects = RoadPreset().effects()
    return [(name, key) for name, effect in effects.items() for key in type(effect).model_fields]


@pytest.mark.parametrize(("name", "key"), settings_of_effects())
def test_every_setting_refuses_rubbish_by_its_name(name: str, key: str) -> None:
    effect: Effect = getattr(RoadPreset(), name)
    place = re.escape(f"preset: {name}.{key}")
    for value in ("much", None, {}, [], ["a", "b"], math.nan, [0.1, math.nan], [-math.inf, 0.2]):
        with pytest.raises(InputError, match=rf"{place}(\.\d+)?: .+"):
            load_preset({name: {key: value}})
    knots = getattr(effect, key)
    wrong: list[Any] = [-1e9, 1e9]
    if isinstance(knots, tuple):
        turned = [knots[-1] + 1, knots[0]]
        wrong = [turned, [*knots, knots[0] - 1], [knots[0]], knots[0]]
        if key != "direction":  # any number of turns
            wrong += [[-1e9, knots[-1]], [knots[0], 1e9]]
    for value in wrong:
        with pytest.raises(InputError, match=rf"{place}(\.\d+)?: .+"):
            load_preset({name: {key: value}})


@pytest.mark.parametrize("name", [*RoadPreset().effects(), "guard"])
def test_every_effect_refuses_unknown_settings_and_no_mapping(name: str) -> None:
    with pytest.raises(InputError, match=rf"{name}\.strenght: there is no such setting"):
        load_preset({name: {"strenght": [0, 1]}})
    for value in ("off", 3, [1, 2], None, False):
        with pytest.raises(InputError, match=rf"{name}: .+got"):
            load_preset({name: value})


def nested_aliases(depth: int) -> str:
    """A small file that stands for a list of 9 ** depth numbers."""
    lines = ["x:", "- &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for k in range(1, depth):
        lines.append(f"- &a{k} [" + ", ".join([f"*a{k - 1}"] * 9) + "]")
    return "\n".join(lines) + "\n"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "end", ["pose: *a", "pose: {rotation: *a", "engine: *a", "jpeg: {quality: [1, *a", "x2: *a"]
)
def test_a_file_of_billions_is_refused_in_time(end: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.yaml"
    closing = end.count("[") * "]" + end.count("{") * "}"
    path.write_text(nested_aliases(14) + end + "13" + closing, encoding="utf-8")
    with pytest.raises(InputError, match=r"bomb\.yaml") as caught:
        load_preset(path)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 800, "not valid YAML"),
        (b"name: 2020-13-45", "not valid YAML: month"),
        (b"jpeg: {quality: [1, " + b"9" * 5000 + b"]}", "not valid YAML"),
        (b"jpeg: {quality: [1, " + b"9" * 400 + b"]}", "jpeg.quality"),
        (b"pose: &p {rotation: *p}", "not valid YAML: line 1: .*alias"),
        (b"? [1, 2]\n: 3", "not valid YAML"),
        (b"", "a preset is a mapping of effects, got NoneType"),
        (b"- 1\n- 2\n", "a preset is a mapping of effects, got list"),
        (b"road", "a preset is a mapping of effects, got str"),
        (b"pose: [1, 2", "not valid YAML"),
        (b"pose:\n\t- 1", "not valid YAML"),
        (b"\xff\xfe\x00\x80", "no UTF-8 text"),
        (b"pose: !!python/object/apply:os.getcwd []", "not valid YAML"),
        (b"1: 2", "1: "),
    ],
)
def test_rubbish_files(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "rubbish.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load_preset(path)
    assert "rubbish.yaml" in str(caught.value)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the preset .*missing\.yaml"):
        load_preset(tmp_path / "missing.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(InputError, match="cannot read the preset"):
        load_preset(tmp_path / "folder.yaml")
    with pytest.raises(InputError, match="no preset is called 'raod'") as caught:
        load_preset("raod")
    assert "road" in caught.value.hint


def test_the_documentation_names_every_effect_and_range() -> None:
    page = (Path(__file__).parents[1] / "docs" / "synthesis.md").read_text(encoding="utf-8")
    for name, effect in RoadPreset().effects().items():
        assert f"\n### {name}\n" in page
        section = page.split(f"\n### {name}\n")[1].split("\n### ")[0]
        for field in type(effect).model_fields:
            assert field == "probability" or f"| `{field}` |" in section, f"{name}: {field}"
