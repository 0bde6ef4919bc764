"""Where the sign stands: the homography as a pinhole camera step by step, pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raresign.synthesis.effect import Params
from raresign.synthesis.effects.geometry import Pose, footprint, inverse, plate_coordinates, warp
from raresign.synthesis.icon_atlas import IconAtlas
from synthesis_core import icon_atlas, noise, uniform

EXAMPLES = settings(max_examples=40, deadline=None)


def params(**values: float | tuple[float, float]) -> Params:
    """One crop's values; what is not named is neutral."""
    neutral: dict[str, float | tuple[float, float]] = {
        "rotation": 0.0,
        "tilt": (0.0, 0.0),
        "shear": 0.0,
        "stretch": 0.0,
        "margin": 0.0,
        "shift": (0.0, 0.0),
    }
    return {name: torch.tensor([value]) for name, value in (neutral | values).items()}


def shown(matrix: Tensor, u: float, v: float) -> tuple[float, float]:
    """The plate's point at a point of the crop, both over [-1, 1]."""
    x, y, weight = (matrix.double() @ torch.tensor([u, v, 1.0], dtype=torch.float64)).tolist()
    return x / weight, y / weight


# --- the pinhole camera ------------------------------------------------------------------------


def seen_in_crop(drawn: dict[str, float], x: float, y: float) -> tuple[float, float]:
    """Plate point -> crop point (both over [-1, 1]), step by step: the pinhole, then the box."""
    turn, yaw, pitch = (math.radians(drawn[key]) for key in ("rotation", "yaw", "pitch"))
    stretch, distance = math.exp(drawn["stretch"] / 2), drawn["distance"]

    def on_image(x: float, y: float) -> tuple[float, float]:
        x, y = x * stretch, y / stretch
        x += drawn["shear"] * y
        wide = math.cos(turn) * x - math.sin(turn) * y
        high = math.sin(turn) * x + math.cos(turn) * y
        depth = distance + math.sin(yaw) * wide + math.sin(pitch) * high
        return distance * math.cos(yaw) * wide / depth, distance * math.cos(pitch) * high / depth

    rim = [on_image(math.cos(math.pi * k / 8), math.sin(math.pi * k / 8)) for k in range(16)]
    place = []
    for axis, offset in ((0, drawn["shift_x"]), (1, drawn["shift_y"])):
        low, high = min(p[axis] for p in rim), max(p[axis] for p in rim)
        half = (1 - drawn["fit"]) + drawn["fit"] * (high - low) / 2
        centre = drawn["fit"] * (low + high) / 2 + offset * half
        point = on_image(x, y)[axis]
        place.append((point - centre) / (half * (1 + drawn["margin"])))
    return place[0], place[1]


@EXAMPLES
@given(
    rotation=st.floats(-30, 30),
    yaw=st.floats(-45, 45),
    pitch=st.floats(-45, 45),
    shear=st.floats(-0.1, 0.1),
    stretch=st.floats(-0.2, 0.2),
    margin=st.floats(-0.1, 0.5),
    shift_x=st.floats(-0.2, 0.2),
    shift_y=st.floats(-0.2, 0.2),
    distance=st.floats(2.5, 20),
    fit=st.floats(0, 1),
)
def test_corners_project_as_a_pinhole_camera_shows_them(**drawn: float) -> None:
    values = params(
        tilt=(drawn["yaw"], drawn["pitch"]),
        shift=(drawn["shift_x"], drawn["shift_y"]),
        **{name: drawn[name] for name in ("rotation", "shear", "stretch", "margin")},
    )
    matrix = Pose(distance=drawn["distance"], fit=drawn["fit"]).matrix(values)[0]
    for x, y in [(-1, -1), (1, -1), (1, 1), (-1, 1), (0, 0), (0.3, -0.8)]:
        assert shown(matrix, *seen_in_crop(drawn, x, y)) == pytest.approx((x, y), abs=3e-4)


@pytest.mark.parametrize(
    ("values", "point", "expected"),
    [
        ({"rotation": 90.0}, (0, 1), (1, 0)),  # clockwise: what was right is now below
        ({"margin": 1.0}, (0.5, 0.5), (1, 1)),  # a border as wide as the sign
        ({"margin": -0.2}, (1, 1), (0.8, 0.8)),  # cut
        ({"shift": (0.5, 0.0)}, (-0.5, 0), (0, 0)),  # the box moves right, the sign left
        ({"shift": (0.0, 0.25)}, (0, -0.25), (0, 0)),
        ({}, (0.3, -0.7), (0.3, -0.7)),
    ],
    ids=str,
)
def test_each_value_means_what_it_says(
    values: dict[str, float], point: tuple[float, float], expected: tuple[float, float]
) -> None:
    assert shown(Pose().matrix(params(**values))[0], *point) == pytest.approx(expected, abs=1e-5)


def test_stretch_is_the_logarithm_of_width_over_height_and_shear_slants() -> None:
    pose = Pose(fit=0.0)  # the box does not follow
    wide = pose.matrix(params(stretch=math.log(2)))[0]
    across, down = shown(wide, 1, 0)[0], shown(wide, 0, 1)[1]
    assert down / across == pytest.approx(2, rel=1e-5)
    slanted = pose.matrix(params(shear=0.5))[0]
    assert shown(slanted, 0.5, 1) == pytest.approx((0, 1), abs=1e-5)
    assert shown(slanted, 0.5, 0) == pytest.approx((0.5, 0), abs=1e-5)


def test_the_far_side_of_a_tilted_plate_is_smaller() -> None:
    """Positive yaw turns the right side away."""
    matrix = Pose().matrix(params(tilt=(40.0, 0.0)))[0]
    columns = {}
    for x in (-1, 1):
        back = inverse(matrix[None])[0]
        top, bottom = shown(back, x, -1)[1], shown(back, x, 1)[1]
        columns[x] = bottom - top
    assert columns[1] < 0.85 * columns[-1]


def test_no_draw_mirrors_a_sign_or_loses_it_behind_the_camera() -> None:
    for pose in (Pose(), Pose(rotation=(-45, 45), tilt=(-60, 60), margin=(-0.3, 0.5))):
        matrix = pose.matrix(pose.sample(uniform(5000, pose)))
        corners = torch.tensor([[-1.0, 1, 1, -1], [-1, -1, 1, 1], [1, 1, 1, 1]])
        assert ((matrix @ corners)[:, 2] > 1e-3).all()
        assert (torch.linalg.det(matrix) > 0).all()


def test_an_asymmetric_icon_stays_unmirrored_for_thousands_of_draws() -> None:
    """A plate with a mark in its upper left quarter never shows it elsewhere."""
    icon = np.zeros((32, 32, 4), np.uint8)
    icon[..., 3] = 255
    icon[4:14, 4:14, 0] = 255
    atlas = IconAtlas.from_pictures([icon], ["0"], 16)
    matrix = Pose().matrix(Pose().sample(uniform(4000, Pose)))
    rows = torch.zeros(4000, dtype=torch.int64)
    seen = atlas.look_up(rows, plate_coordinates(matrix, 16), footprint(matrix))
    red = seen[:, 0]
    quarters = red.unfold(1, 8, 8).unfold(2, 8, 8).sum((3, 4)).flatten(1)
    assert (quarters.argmax(1) == 0).all()


# --- pixels ------------------------------------------------------------------------------------


def wild_matrices(n: int) -> Tensor:
    pose = Pose(rotation=(-60, 60), tilt=(-70, 70), margin=(-0.4, 2), distance=2.5)
    return pose.matrix(pose.sample(uniform(n, pose)))


@pytest.mark.parametrize("size", [1, 8, 11])
def test_plate_coordinates_against_a_loop_over_pixels(size: int) -> None:
    matrix = wild_matrices(5)
    plate = plate_coordinates(matrix, size)
    assert plate.shape == (5, size, size, 2)
    for i, y, x in np.ndindex(5, size, size):
        u, v = (2 * x + 1) / size - 1, (2 * y + 1) / size - 1
        row = matrix[i].double() @ torch.tensor([u, v, 1.0], dtype=torch.float64)
        if row[2] > 0.05:
            expected = (row[:2] / row[2]).tolist()
            assert plate[i, y, x].tolist() == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_what_lies_behind_the_camera_is_far_outside() -> None:
    horizon = torch.tensor([[[1.0, 0, 0], [0, 1, 0], [0, 2.0, 1]]])
    plate = plate_coordinates(horizon, 64)
    assert torch.isfinite(plate).all()
    behind = (torch.arange(64) * 2 + 1) / 64 - 1 < -0.5
    assert plate[0, behind].abs().amax(-1).min() > 50


def test_inverse_against_torch() -> None:
    matrix = wild_matrices(200)
    assert (inverse(matrix) @ matrix - torch.eye(3)).abs().max() < 1e-3
    assert (inverse(matrix) - torch.linalg.inv(matrix)).abs().max() < 1e-2


def test_footprint_is_the_root_of_the_area_at_the_centre() -> None:
    """Against finite differences of the plate's coordinates."""
    matrix = wild_matrices(50)
    step = 1e-4
    for i, reach in enumerate(footprint(matrix).tolist()):
        right = np.subtract(shown(matrix[i], step, 0), shown(matrix[i], -step, 0)) / (2 * step)
        down = np.subtract(shown(matrix[i], 0, step), shown(matrix[i], 0, -step)) / (2 * step)
        area = abs(right[0] * down[1] - right[1] * down[0])
        assert reach == pytest.approx(math.sqrt(area), rel=1e-3)


def naive_bilinear(picture: np.ndarray, x: float, y: float) -> float:
    """A look-up in pixels, the edge repeated."""
    height, width = picture.shape
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    left, top = math.floor(x), math.floor(y)
    total = 0.0
    for row in (top, top + 1):
        for column in (left, left + 1):
            weight = max(0.0, 1 - abs(x - column)) * max(0.0, 1 - abs(y - row))
            total += weight * picture[min(row, height - 1), min(column, width - 1)]
    return total


def test_warp_against_a_loop_over_pixels() -> None:
    pose = Pose(rotation=(-40, 40))
    pictures, matrix = noise(4, 2, size=10), pose.matrix(pose.sample(uniform(4, pose)))
    warped = warp(pictures, matrix)
    for i, y, x in np.ndindex(4, 10, 10):
        at = shown(matrix[i], (2 * x + 1) / 10 - 1, (2 * y + 1) / 10 - 1)
        place = [((value + 1) * 10 - 1) / 2 for value in at]
        expected = naive_bilinear(pictures[i, 1].double().numpy(), *place)
        assert warped[i, 1, y, x].item() == pytest.approx(expected, abs=2e-3)


def test_warping_by_the_identity_changes_nothing() -> None:
    pictures = noise(3)
    assert (warp(pictures, torch.eye(3).expand(3, 3, 3)) - pictures).abs().max() <= 1e-5


def test_a_sign_fills_the_crop_that_its_box_encloses() -> None:
    """Tilted or not, a box that fits leaves no margin and cuts nothing off a round sign."""
    pose = Pose(fit=1.0, margin=(0, 0), shift=(0, 0), tilt=(-30, 30))
    matrix = pose.matrix(pose.sample(uniform(40, pose)))
    plate = plate_coordinates(matrix, 64)
    disc = (plate.norm(dim=-1) < 1).float()
    for axis in (1, 2):
        covered = disc.amax(axis)
        assert covered[:, 4:-4].min() == 1
        assert covered.sum(1).min() >= 62
    assert icon_atlas(16).look_up(torch.zeros(40).long(), plate, footprint(matrix)).min() >= 0
