"""constraints.txt: each version fits every Python that it is for."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = [Requirement(line) for line in LINES if line and not line.startswith("#")]


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_every_version_exists_for_this_python(python: str) -> None:
    """As the libraries that are installed here say of themselves."""
    asked = {"python_version": python, "python_full_version": f"{python}.13"}
    seen, wrong = set(), []
    for pin in PINS:
        if pin.marker is not None and not pin.marker.evaluate(asked):
            continue
        assert pin.name not in seen, f"{pin.name} stands twice"
        seen.add(pin.name)
        try:
            installed = distribution(pin.name)
        except PackageNotFoundError:
            continue
        needs = SpecifierSet(installed.metadata["Requires-Python"] or "")
        if installed.version in pin.specifier and not needs.contains(asked["python_full_version"]):
            wrong.append(f"{pin} needs Python {needs}")
    assert not wrong
    assert len(seen) > 50
