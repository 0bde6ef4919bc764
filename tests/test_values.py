"""Which values signs can show: country tables, what is meant by an impossible one, who is told."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import raresign
from raresign.signs.countries.country import value_problems
from raresign.signs.countries.registry import COUNTRIES, country, standard
from raresign.signs.countries.value_ranges import ValueRanges

RUSSIA, GERMANY = country("RU"), country("DE")


@pytest.mark.parametrize("iso", COUNTRIES)
def test_every_value_is_a_code_of_its_country_with_a_name(iso: str) -> None:
    here = COUNTRIES[iso]
    for base in here.ranges.bases:
        codes = here.values(base)
        assert len(set(codes)) == len(codes) > 1
        for code in codes:
            assert here.knows(code), code
            assert here.allows(code), code
            assert here.name(code) not in (None, here.name(base)), code


def test_values_of_the_drawn_signs_are_drawn() -> None:
    gost = standard("gost")
    for base in RUSSIA.ranges.bases:
        if base in gost.signs and gost.takes_values(base):
            codes = RUSSIA.values(base)
            for code in (codes[0], codes[len(codes) // 2], codes[-1]):
                assert gost.draws(code), code


def test_all_classes_of_the_published_system_and_what_we_draw_on_them_can_be() -> None:
    gost = standard("gost")
    assert value_problems(RUSSIA, gost.codes) == []
    endings = [f"{base}.{end}" for base, ends in gost.values.items() for end in ends]
    assert value_problems(RUSSIA, endings) == []


def test_the_numbers_of_the_german_benchmark_can_be() -> None:
    assert value_problems(GERMANY, GERMANY.aliases) == []


@pytest.mark.parametrize(
    ("iso", "code", "meant"),
    [
        ("RU", "3.13.r45", "3.13.r4.5"),
        ("RU", "3.13.n45", "3.13.r4.5"),
        ("RU", "3.13.r450", "3.13.r4.5"),
        ("RU", "3.24.n500", "3.24.n50"),
        ("RU", "3.24.n47", "3.24.n45"),
        ("RU", "3.14.r25", "3.14.r2.5"),
        ("RU", "3.24.n0", "3.24.n5"),
        ("DE", "274-45", "274-40"),
        ("DE", "265-38", "265-3.8"),
        ("DE", "274-500", "274-50"),
    ],
)
def test_an_impossible_value_is_told_with_what_is_meant(iso: str, code: str, meant: str) -> None:
    here = country(iso)
    assert not here.allows(code)
    problem = here.value_problem(code)
    assert problem is not None
    assert problem.startswith(f"{code}: ")
    assert problem.endswith(f"did you mean {meant}?")
    assert here.allows(meant)


@pytest.mark.parametrize(
    "code",
    ["3.13", "3.13.r", "3.13.r4.5", "3.13.r4.50", "3.13.n4", "8.5.4.t0800-1730", "1.1", "P1"],
)
def test_codes_without_a_value_or_unknown_ones_are_let_pass(code: str) -> None:
    assert RUSSIA.allows(code)
    assert RUSSIA.value_problem(code) is None


def test_german_decimals_are_read_with_point_and_comma() -> None:
    assert GERMANY.name("265-3,8") == GERMANY.name("265-3.8") == "Height limit 3.8 m"
    assert GERMANY.name("265-3.8", "de") == "Tatsächliche Höhe 3,8 m"
    assert GERMANY.allows("265-3,8")
    assert GERMANY.knows("262-5.5")
    assert not GERMANY.knows("103-3.8")
    assert not GERMANY.knows("274-3.5")


tenths = st.integers(1, 999).map(lambda n: Decimal(n) / 10)


@given(tenths, tenths, tenths, tenths)
def test_ranges_hold_exactly_what_they_list(
    first: Decimal, length: Decimal, step: Decimal, value: Decimal
) -> None:
    ranges = ValueRanges({"9": [[float(first), float(first + length), float(step)]]})
    listed = ranges.values("9")
    assert ranges.allows("9", str(value)) == (value in {Decimal(one) for one in listed})
    assert all(ranges.allows("9", one) for one in listed)
    assert ranges.nearest("9", str(value)) in listed
    assert all(ranges.nearest("9", one) == one for one in listed[:5])


def test_nothing_is_checked_without_a_country() -> None:
    assert value_problems(None, ["3.13.r45"]) == []


def test_catalogue_tells(tmp_path: Path) -> None:
    (tmp_path / "icons").mkdir()
    codes = ("3.13.r45", "3.13.r4.5", "3.24.n40")
    for code in codes:
        (tmp_path / "icons" / f"{code}.svg").write_text(standard("gost").svg(code), "utf-8")
    rows = {code: {"id": k, "type": "rare"} for k, code in enumerate(codes)}
    said: list[str] = []
    for iso, expected in (("RU", [f"warning: {RUSSIA.value_problem('3.13.r45')}"]), ("none", [])):
        (tmp_path / "classes.json").write_text(json.dumps({"country": iso, **rows}), "utf-8")
        said.clear()
        raresign.catalogue_rows(tmp_path, layout="icons", say=said.append)
        assert [line for line in said if line.startswith("warning: ")] == expected


def test_add_class_tells(finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    icon = tmp_path / "3.13.r45.svg"
    icon.write_text(standard("gost").svg("3.13.r45"), "utf-8")
    said: list[str] = []
    raresign.add_class(run, [icon], say=said.append)
    assert said == [f"warning: {RUSSIA.value_problem('3.13.r45')}"]
