"""docs/synthesis.md explains every effect and every range, with a picture each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from raresign.synthesis.preset import RoadPreset

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    """The text below each effect's heading."""
    parts = re.split(r"^### (\w+)$", (DOCS / "synthesis.md").read_text("utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", RoadPreset().effects())
def test_every_effect_is_explained(name: str, sections: dict[str, str]) -> None:
    assert name in sections, "run tools/pictures.py and tools/effect_docs.py"
    fields = set(type(RoadPreset().effects()[name]).model_fields) - {"probability"}
    listed = set(re.findall(r"^\| `(\w+)` \|", sections[name], flags=re.M))
    assert fields <= listed, "run tools/effect_docs.py"
    with Image.open(DOCS / "images" / "effects" / f"{name}.webp") as picture:
        assert picture.width > 300


def test_effects_that_are_gone_are_not_explained(sections: dict[str, str]) -> None:
    assert set(sections) == set(RoadPreset().effects())


def test_pictures_are_small() -> None:
    pictures = list((DOCS / "images" / "effects").iterdir())
    assert {path.stem for path in pictures} == set(RoadPreset().effects())
    assert sum(path.stat().st_size for path in pictures) < 1_500_000
