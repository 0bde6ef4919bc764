"""Names of signs: complete for the known catalogues, distinct, and silent about what is no sign."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from raresign.signs.countries.registry import country
from raresign.signs.countries.russia.russian_signs import UNIT_OF

RUSSIA = country("RU")
_NAMES = {code: names["en"] for code, names in RUSSIA.names.items()}
_VALUES = [code for code, unit in UNIT_OF.items() if unit != "hours"]

# The 205 classes of the reference system, and the two codes that only RTSD has.
_CODES = """
    1.1 1.2 1.5 1.6 1.7 1.8 1.10 1.11.1 1.11.2 1.12.1 1.12.2 1.13 1.14 1.15 1.16 1.17 1.18 1.19
    1.20.1 1.20.2 1.20.3 1.21 1.22 1.23 1.25 1.26 1.27 1.30 1.31 1.33 2.1 2.2 2.3.1 2.3.2 2.3.3
    2.3.4 2.3.5 2.3.6 2.4 2.5 2.6 2.7 3.1 3.2 3.4.n 3.4.n2 3.4.n5 3.4.n7 3.4.n8 3.6 3.7 3.10
    3.11.n5 3.11.n8 3.11.n9 3.11.n13 3.11.n17 3.11.n20 3.11.n23 3.12.n3 3.12.n5 3.12.n6 3.12.n10
    3.13.r 3.13.r2.5 3.13.r2.6 3.13.r3 3.13.r3.3 3.13.r3.5 3.13.r3.7 3.13.r3.9 3.13.r4.0 3.13.r4.1
    3.13.r4.2 3.13.r4.3 3.13.r4.5 3.13.r5 3.13.r5.2 3.14.r2.7 3.14.r3 3.14.r3.5 3.14.r3.7 3.16.n
    3.16.n1 3.16.n3 3.18.1 3.18.2 3.19 3.20 3.21 3.24.n 3.24.n5 3.24.n10 3.24.n20 3.24.n30 3.24.n40
    3.24.n45 3.24.n50 3.24.n60 3.24.n70 3.24.n80 3.25.n 3.25.n20 3.25.n40 3.25.n50 3.25.n70
    3.25.n80 3.27 3.28 3.29 3.30 3.31 3.32 3.33 3.34 3.35 4.1.1 4.1.2 4.1.3 4.1.4 4.1.5 4.1.6
    4.2.1 4.2.2 4.2.3 4.3 4.5.1 4.8.2 4.8.3 5.3 5.4 5.5 5.6 5.7.1 5.7.2 5.8 5.11.1 5.12.1 5.14
    5.15.1 5.15.2 5.15.3 5.15.5 5.15.7 5.16 5.17 5.18 5.19.1 5.20 5.21 5.22 6.2.n 6.2.n20 6.2.n40
    6.2.n50 6.2.n60 6.2.n70 6.3.1 6.4 6.6 6.7 6.8.1 6.8.2 6.8.3 6.15.1 6.15.2 6.15.3 6.16 7.1 7.2
    7.3 7.4 7.5 7.6 7.7 7.11 7.12 7.14 7.15 7.18 8.1.1 8.1.3 8.1.4 8.2.1 8.2.2 8.2.3 8.2.4 8.3.1
    8.3.2 8.3.3 8.4.1 8.4.3 8.4.4 8.5.2 8.5.4 8.6.2 8.6.4 8.8 8.13 8.14 8.15 8.16 8.17 8.18 8.23
    4.1.2.1 4.1.2.2
"""
CODES = tuple(_CODES.split())


def test_every_known_class_has_a_name_of_its_own() -> None:
    assert len(set(CODES)) == 205 + 2
    unnamed = [code for code in CODES if RUSSIA.name(code) is None]
    assert unnamed == []
    assert len({RUSSIA.name(code) for code in CODES}) == len(CODES)


@pytest.mark.real_data
def test_every_class_of_rtsd_has_a_name() -> None:
    root = os.environ.get("RARESIGN_DATA")
    if not root:
        pytest.skip("RARESIGN_DATA is not set: no real catalogue to read")
    codes = json.loads((Path(root) / "rtsd-r1" / "classes.json").read_text(encoding="utf-8"))
    assert [code for code in codes if RUSSIA.name(code) is None] == []


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("3.4", "No trucks"),
        ("3.4.n", "No trucks"),
        ("3.4.n1", "No trucks over 1 t"),
        ("3.4.n8", "No trucks over 8 t"),
        ("3.11.n8", "Weight limit 8 t"),
        ("3.12.n5", "Axle load limit 5 t"),
        ("3.13.r", "Height limit"),
        ("3.13.r3.5", "Height limit 3.5 m"),
        ("3.13.r4.0", "Height limit 4.0 m"),
        ("3.14.r2.7", "Width limit 2.7 m"),
        ("3.16.n3", "Minimum distance 3 m"),
        ("3.24.n", "Speed limit"),
        ("3.24.n60", "Speed limit 60 km/h"),
        ("3.25.n60", "End of speed limit 60 km/h"),
        ("6.2.n50", "Recommended speed 50 km/h"),
        ("8.1.1", "Distance to object"),
        ("8.1.3.n100", "Distance to object on the right 100 m"),
        # Neighbours that are easily swapped, checked against the drawings of the standard.
        ("1.1", "Level crossing with barrier"),
        ("1.11.1", "Bend to the right"),
        ("1.13", "Steep descent"),
        ("1.20.2", "Road narrows on the right"),
        ("2.3.2", "Minor road joins from the right"),
        ("3.18.1", "No right turn"),
        ("3.29", "No parking on odd days"),
        ("4.1.2", "Turn right"),
        ("4.1.2.1", "Go right, plain arrow"),
        ("4.2.1", "Pass obstacle on the right"),
        ("6.6", "Pedestrian underpass"),
        ("6.8.2", "Dead end to the right"),
    ],
)
def test_golden_names(code: str, name: str) -> None:
    assert RUSSIA.name(code) == name


def test_table_is_tidy() -> None:
    assert len(set(_NAMES.values())) == len(_NAMES)
    numbers = [tuple(int(part) for part in code.split(".")) for code in _NAMES]
    assert numbers == sorted(numbers)
    assert set(UNIT_OF) <= set(_NAMES)
    for names in RUSSIA.names.values():
        assert list(names) == ["en", "ru"]
        assert re.fullmatch(r"[A-Z][ -~]{0,44}", names["en"])
        assert re.fullmatch(r"[А-ЯЁ][А-яёЁ :,«»-]+", names["ru"])
        assert all(name == name.strip() for name in names.values())
    assert len({names["ru"] for names in RUSSIA.names.values()}) == len(_NAMES)


def test_russian_names_have_russian_units_and_a_decimal_comma() -> None:
    assert RUSSIA.name("3.13.r2.9", "ru") == "Ограничение высоты 2,9 м"
    assert RUSSIA.name("3.24.n60", "ru") == "Ограничение максимальной скорости 60 км/ч"
    assert RUSSIA.name("3.4.n8", "ru") == "Запрещены грузовые автомобили массой более 8 т"
    assert RUSSIA.name("horse", "ru") is None


def test_hours_are_shown_as_hours() -> None:
    assert RUSSIA.name("8.5.4.t0800-1730", "ru") == "Время действия 8:00-17:30"
    assert RUSSIA.name("8.5.4") == "At given hours"
    for wrong in ("8.5.4.t0800-2561", "8.5.4.n5", "3.24.t0800-1730"):
        assert RUSSIA.name(wrong) is None


@given(st.sampled_from(sorted(_VALUES)), st.integers(0, 999), st.integers(0, 9))
def test_value_appears_in_the_name_once(base: str, whole: int, tenth: int) -> None:
    name = RUSSIA.name(f"{base}.r{whole}.{tenth}")
    assert name.startswith(_NAMES[base] + " ")
    assert name.count(f"{whole}.{tenth}") == 1
    assert RUSSIA.name(f"{base}.n") == RUSSIA.name(base) == _NAMES[base]


@pytest.mark.parametrize(
    "code",
    ["", "horse", "Speed limit", "3", "3.", "9.1", "1.99", "1.1.n5", "03.24.n60", "3_24_n60"],
)
def test_code_of_no_sign_has_no_name(code: str) -> None:
    assert RUSSIA.name(code) is None


@pytest.mark.parametrize(
    "value", ["60", "x60", "n6O", "n60 ", "n-5", "n60.", "n٦٠", "n.5", "n60.n60"]
)
def test_code_with_a_broken_value_has_no_name(value: str) -> None:
    code = f"3.24.{value}"
    assert RUSSIA.name(code) is None


@given(st.text(max_size=12))
@example("3.24.n60\n")
def test_any_text_gives_a_text_of_the_table_or_none(text: str) -> None:
    name = RUSSIA.name(text)
    assert name is None or any(name.startswith(known) for known in _NAMES.values())
