"""Crops of what a detector's own objects say, without an import of its library."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from raresign.crops.decode import cut_box
from raresign.crops.layouts.annotated_crops import MARGIN, check_margin
from raresign.errors import InputError
from raresign.runtime.pictures import name_of, rgb_picture

_KINDS = (
    "give an object with xyxy (supervision), with boxes.xyxy (Ultralytics), or an (N, 4) array of "
    "x0, y0, x1, y1 in pixels"
)


def crops_of_detections(image: Any, detections: Any, margin: float = MARGIN) -> list[Image.Image]:
    """The signs that a detector found in a picture, to be given to `Recogniser.answer`.

    Args:
        image: A picture of any kind that `Recogniser.answer` takes.
        detections: What has `xyxy` (supervision's Detections), or `boxes.xyxy` (a result of
            Ultralytics, alone or in a list of one), or an (N, 4) array or tensor; in pixels.
        margin: Each side moves out by this share of the box's side, as in training.

    Returns:
        One RGB crop a box, in their order.

    Raises:
        InputError: Detections of no such kind, or a box that is empty or outside the picture.
        UnreadableFile: A file that is no readable picture.

    Example:
        >>> from types import SimpleNamespace
        >>> found = SimpleNamespace(xyxy=np.array([[10.0, 20, 30, 60]]))
        >>> [crop.size for crop in crops_of_detections(np.zeros((90, 90, 3), np.uint8), found)]
        [(24, 48)]
    """
    check_margin(margin)
    boxes = _corners(detections)
    picture = rgb_picture(image)
    sides = boxes[:, 2:] - boxes[:, :2]
    inside = (boxes[:, 2:] > 0) & (boxes[:, :2] < np.array(picture.size))
    wrong = np.flatnonzero(~(np.isfinite(boxes).all(1) & (sides > 0).all(1) & inside.all(1)))
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            f"box {row}, {boxes[row].round(1).tolist()}, shows nothing of a picture of "
            f"{picture.width} x {picture.height} pixels",
            "give x0 < x1 and y0 < y1 in pixels of this picture",
        )
    cut = np.concatenate([boxes[:, :2] - margin * sides, boxes[:, 2:] + margin * sides], axis=1)
    return [cut_box(picture, box, name_of(image)) for box in cut]


def _corners(detections: Any) -> npt.NDArray[np.float64]:
    """(N, 4) x0, y0, x1, y1 of detections of any kind."""
    if isinstance(detections, list | tuple) and len(detections) == 1:
        one = detections[0]
        if hasattr(one, "boxes") or hasattr(one, "xyxy"):
            detections = one
    found = detections
    if not hasattr(found, "xyxy") and hasattr(found, "boxes"):
        found = found.boxes
    found = getattr(found, "xyxy", found)
    if hasattr(found, "detach"):
        found = found.detach().cpu().numpy()
    try:
        boxes = np.asarray(found, np.float64)
    except (TypeError, ValueError):
        boxes = np.empty(1)
    if boxes.size == 0:
        return np.empty((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise InputError(f"a {type(detections).__name__} is no detections", _KINDS)
    return boxes
