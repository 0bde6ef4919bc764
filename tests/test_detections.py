"""What detectors write, of every kind: the same signs, cut with the margin of training."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from raresign.commands.boxes_file import boxed_crops, boxed_signs
from raresign.commands.detection_crops import crops_of_detections
from raresign.commands.predict_files import predict
from raresign.crops.layouts.coco import from_coco
from raresign.errors import InputError

BOX = (80.0, 30.0, 120.0, 70.0)


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (200, 100)).save(folder / f"{name}.png")
    return folder


def _written(place: Path, name: str, content: Any) -> Path:
    file = place / name
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def _coco_results(place: Path) -> Path:
    truth = {
        "images": [{"id": 7, "file_name": "a.png", "width": 200, "height": 100}],
        "categories": [{"id": 1, "name": "sign"}],
        "annotations": [],
    }
    _written(place, "truth.json", truth)
    row = {"image_id": 7, "category_id": 1, "bbox": [80, 30, 40, 40], "score": 0.75}
    return _written(place, "results.json", [row])


DETECTORS = {
    "detector": lambda place: (
        _written(
            place,
            "json/a.json",
            {
                "info": [{"class": "sign", "confidence": 0.75, "bbox": [*BOX]}],
                "model": {"name": "finder", "version": "1"},
            },
        ).parent
    ),
    "platform": lambda place: _written(
        place, "a.json", {"annotations": [{"shape": [*BOX], "semantics": [], "score": 0.75}]}
    ),
    "platform's answer": lambda place: _written(
        place,
        "a.json",
        {
            "annotations": [
                {
                    "shape": {
                        "type": "Polygon",
                        "coordinates": [[[80, 30], [120, 30], [120, 70], [80, 70], [80, 30]]],
                    },
                    "semantics": [],
                    "score": 0.75,
                }
            ]
        },
    ),
    "coco results": _coco_results,
    "megadetector": lambda place: _written(
        place,
        "md.json",
        {
            "images": [
                {
                    "file": "a.png",
                    "detections": [{"category": "1", "conf": 0.75, "bbox": [0.4, 0.3, 0.2, 0.4]}],
                },
                {"file": "b.png", "failure": "Failure image access"},
            ],
            "detection_categories": {"1": "sign"},
            "info": {"format_version": "1.4"},
        },
    ),
    "yolo": lambda place: _written(place, "txt/a.txt", "0 0.5 0.5 0.2 0.4 0.75\n").parent,
    "csv": lambda place: _written(
        place, "x.csv", "file,x0,y0,x1,y1,confidence\na.png,80,30,120,70,0.75\n"
    ),
}


@pytest.mark.filterwarnings("ignore:.*left out")
@pytest.mark.parametrize("kind", DETECTORS)
def test_detectors_say_the_same(tmp_path: Path, frames: Path, kind: str) -> None:
    file = DETECTORS[kind](tmp_path / "of")
    (sign,) = boxed_signs(file, [frames])
    assert sign.path.name == "a.png"
    assert sign.box == pytest.approx(BOX)
    assert sign.score == 0.75
    (cut,) = boxed_crops(file, [frames]).boxes.tolist()  # type: ignore[union-attr]
    wide = kind not in ("yolo", "csv")
    assert cut == pytest.approx([76, 26, 124, 74] if wide else [*BOX])
    (alone,) = boxed_signs(file, [frames / "a.png"])
    assert alone == sign
    with pytest.raises(InputError, match=r"no box of the frames|no usable sign"):
        boxed_signs(file, [frames / "b.png"])


def test_margin_is_that_of_training(tmp_path: Path, frames: Path) -> None:
    row = {"image_id": 7, "category_id": 1, "bbox": [80, 30, 40, 40]}
    file = _coco_results(tmp_path)
    truth = json.loads((tmp_path / "truth.json").read_text())
    trained = _written(tmp_path / "t", "t.json", {**truth, "annotations": [{**row, "id": 1}]})
    codes: Any = SimpleNamespace(label_of=lambda code: 0)
    learned = from_coco(trained, frames, codes).boxes
    np.testing.assert_allclose(boxed_crops(file, [frames]).boxes, learned)  # type: ignore[arg-type]


def test_marks_reach_the_answers(
    finished_run: Path, data_folder: Path, tmp_path: Path, frames: Path
) -> None:
    with Image.open(data_folder / "smalltest" / "0003.png") as crop:
        picture = Image.open(frames / "a.png")
        picture.paste(crop, (80, 30))
        picture.save(frames / "a.png")
    rows = [
        {"id": "x7", "track_id": 4, "confidence": 0.5, "bbox": [80, 30, 104, 54]},
        {"id": "x8", "confidence": "much", "bbox": [10, 10, 30, 30]},
    ]
    file = _written(tmp_path, "a.json", {"info": rows})
    one, other = predict(finished_run, [frames], boxes=file)
    assert (one.id, one.track, one.detected) == ("x7", "4", 0.5)
    assert (other.id, other.track, other.detected) == ("x8", None, None)
    assert one.box == (80, 30, 104, 54), "the box that was given, not what was cut"


def test_what_is_wrong_is_told(tmp_path: Path, frames: Path) -> None:
    file = _written(tmp_path, "a.json", {"info": [{"bbox": [1, 2, 3]}, {"class": "x"}, 7]})
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(InputError, match="not four numbers: 1"),
    ):
        boxed_signs(file, [frames])
    gone = _written(tmp_path, "gone.json", {"info": [{"bbox": [*BOX]}]})
    (sign,) = boxed_signs(gone, [frames])
    assert np.isnan(sign.box).all()
    assert sign.path.name == "gone"
    results = _coco_results(tmp_path / "of")
    other = {"images": [{"id": 7, "file_name": "b.png"}]}
    _written(tmp_path / "of", "other.json", other)
    with pytest.raises(InputError, match="name its images differently"):
        boxed_signs(results, [frames])


def test_objects_of_detectors() -> None:
    image = np.random.default_rng(0).integers(0, 255, (100, 200, 3), np.uint8)
    corners = np.array([[80.0, 30, 120, 70], [0, 0, 20, 20]])
    kinds = [
        corners,
        torch.tensor(corners),
        SimpleNamespace(xyxy=corners, confidence=np.ones(2)),
        SimpleNamespace(boxes=SimpleNamespace(xyxy=torch.tensor(corners))),
        [SimpleNamespace(boxes=SimpleNamespace(xyxy=torch.tensor(corners)))],
    ]
    for found in kinds:
        first, edge = crops_of_detections(image, found)
        np.testing.assert_array_equal(np.asarray(first), image[26:74, 76:124])
        np.testing.assert_array_equal(np.asarray(edge), image[:22, :22])
    (tight,) = crops_of_detections(image, corners[:1], margin=0)
    np.testing.assert_array_equal(np.asarray(tight), image[30:70, 80:120])
    assert crops_of_detections(image, SimpleNamespace(xyxy=np.empty((0, 4)))) == []
    for wrong in ("boxes", corners[:, :3], [1, 2], SimpleNamespace(a=1)):
        with pytest.raises(InputError):
            crops_of_detections(image, wrong)
    with pytest.raises(InputError, match="shows nothing"):
        crops_of_detections(image, corners + 300)


@pytest.mark.parametrize("written", ["coco.json", "yolo"])
def test_files_that_supervision_wrote(written: str, frames: Path) -> None:
    """By supervision 0.31.2, of one box in a frame of 200 x 100 pixels."""
    file = Path(__file__).parent / "data" / "supervision" / written
    (sign,) = boxed_signs(file, [frames])
    assert (sign.path.name, sign.box) == ("a.png", pytest.approx(BOX))


def test_supervision_itself() -> None:
    supervision = pytest.importorskip("supervision", reason="too heavy for the tests' libraries")
    found = supervision.Detections(xyxy=np.array([BOX]))
    (crop,) = crops_of_detections(np.zeros((100, 200, 3), np.uint8), found)
    assert crop.size == (48, 48)


def test_pycocotools_itself(tmp_path: Path, frames: Path) -> None:
    """Results go to its `loadRes` and back; boxes and scores are those that it tells."""
    coco = pytest.importorskip("pycocotools.coco", reason="the library of the format")
    results = _coco_results(tmp_path / "of")
    truth = coco.COCO(str(tmp_path / "of" / "truth.json"))
    loaded = truth.loadRes(str(results))
    (row,) = loaded.loadAnns(loaded.getAnnIds())
    (sign,) = boxed_signs(results, [frames])
    x, y, width, height = row["bbox"]
    assert sign.box == pytest.approx((x, y, x + width, y + height))
    assert sign.score == row["score"]
    assert sign.path.name == truth.loadImgs(row["image_id"])[0]["file_name"]
    whole = _written(tmp_path / "again", "whole.json", loaded.dataset)
    (again,) = boxed_signs(whole, [frames])
    assert again.box == pytest.approx(sign.box)
