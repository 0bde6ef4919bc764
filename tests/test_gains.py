"""Rows of the result tables against their base, country by country."""

from __future__ import annotations

import importlib
import math
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[1] / "tools"


def test_gains_of_two_countries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    gains = importlib.import_module("gains")
    base = {0: 0.90, 1: 0.91, 2: 0.92}
    better, worse = {0: 0.93, 1: 0.94, 2: 0.95}, {0: 0.88, 1: 0.90, 2: 0.85}
    change = gains.seeds_change("A", worse, base)
    assert change.value == pytest.approx((-0.02 - 0.01 - 0.07) / 3)
    spread = math.sqrt(sum((x - change.value) ** 2 for x in (-0.02, -0.01, -0.07)) / 2)
    assert change.high - change.value == pytest.approx(4.303 * spread / math.sqrt(3))
    assert gains.seeds_change("A", {0: 1.0, 5: 0.0}, base).value == pytest.approx(0.1)
    helps = gains.seeds_change("A", better, base)
    none = gains.seeds_change("B", {}, base)
    judged = {"both": [helps, change._replace(where="B")], "one": [helps, none]}
    page = gains.gains_table(judged, {"both": [helps], "one": [none]})
    lines = page.splitlines()
    assert "not kept: helps A; hurts B" in lines[2]
    assert "kept" not in lines[3]  # a country is lacking
    assert "nan" not in page
    assert {line.count("|") for line in lines} == {6}
