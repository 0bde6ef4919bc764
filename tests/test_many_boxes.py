"""Many boxes are read in time that grows with their number, not with its square."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from raresign.commands.boxes_file import boxed_crops
from raresign.crops.layouts import misread
from raresign.errors import InputError

FRAMES, EACH = 60, 10


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often a path was compared with another or looked for on the disk."""
    count = [0]

    def counted(name: str) -> None:
        before = getattr(Path, name)

        def call(*given: object, **named: object) -> object:
            count[0] += 1
            return before(*given, **named)

        monkeypatch.setattr(Path, name, call)

    for name in ("__eq__", "__lt__", "stat", "is_file"):
        counted(name)
    return count


def table(folder: Path) -> Path:
    rows = [f"{n % FRAMES:03d}.png,1,{n // FRAMES},40,50" for n in range(FRAMES * EACH)]
    (folder / "boxes.csv").write_text("\n".join(["file,x0,y0,x1,y1", *rows]) + "\n")
    return folder / "boxes.csv"


def test_paths_are_compared_once_a_frame(tmp_path: Path, compared: list[int]) -> None:
    for number in range(FRAMES):
        Image.new("RGB", (60, 60)).save(tmp_path / f"{number:03d}.png")
    compared[0] = 0
    found = boxed_crops(table(tmp_path), [tmp_path])
    assert len(found) == FRAMES * EACH
    assert list(found.paths) == sorted(found.paths)
    assert found.boxes is not None
    assert found.boxes[:EACH, 1].tolist() == list(range(EACH))
    assert compared[0] < 20 * FRAMES + FRAMES * EACH  # the last line compares, too


def test_broken_frames_are_counted_in_one_pass(tmp_path: Path, compared: list[int]) -> None:
    for number in range(FRAMES):
        (tmp_path / f"{number:03d}.png").write_bytes(b"none")
    with (
        pytest.warns(UserWarning, match="600 left out, of pictures that cannot be read"),
        pytest.raises(InputError, match="no usable sign"),
    ):
        boxed_crops(table(tmp_path), [tmp_path])
    assert compared[0] < 20 * FRAMES


def test_files_of_one_detector_are_looked_at_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []

    def seen(path: Path) -> Image.Image:
        looked.append(path)
        return Image.new("RGB", (60, 60))

    monkeypatch.setattr(misread, "decode_crop", seen)
    (tmp_path / "found").mkdir()
    for number in range(FRAMES):
        Image.new("RGB", (60, 60)).save(tmp_path / f"{number:03d}.png")
        boxes = [{"bbox": [20 + n, 20, 30 + n, 30], "confidence": 0.5} for n in range(EACH)]
        boxes.append({"bbox": [5, 5, 5, 9], "confidence": 0.5})
        (tmp_path / "found" / f"{number:03d}.json").write_text(
            json.dumps({"file": f"{number:03d}.png", "info": boxes})
        )
    with pytest.warns(UserWarning, match="60 left out, their box has no area") as told:
        found = boxed_crops(tmp_path / "found", [tmp_path])
    assert len(told) == 1
    assert len(found) == FRAMES * EACH
    assert 0 < len(looked) <= 24
