"""Cutting a picture to a box and squashing it, as `framed` does with Pillow, in ONNX operators.

Pillow's resampling is a matrix of whole numbers an axis, with a rounding to bytes after each; so it
is here, in float64, where sums of whole numbers are exact: the crops are the same to the last bit.
What is left out is its reduction of large pictures before (`REDUCING_GAP`), which begins where a
picture is six times as large as its crop.
"""

from __future__ import annotations

import numpy as np
import onnx

from raresign.fitting.one_graph.assembly import Assembly, parsed
from raresign.framing.finder import FARTHEST, FILL, LARGEST, LOOK, SMALLEST
from raresign.framing.framed_picture import WHOLE

_UNIT = 1 << 22  # Pillow's weights are whole numbers of this part

# Pillow keeps boxes as float32, and `framed` adds edge pixels before a box that begins beyond the
# picture: `reach` and `edge` only repeat what that rounds.
# One axis: which pixels are read, and how much each of them counts for each pixel of the crop.
_AXIS = """
axis (double[1] extent, double[1] middle, double[1] half, bool[1] shrinks, double[1] reach)
    => (int64[n] pixels, double[s, n] weights) {
    below = Sub(middle, half)
    below_1 = Add(below, one)
    half_extent = Mul(extent, a_half)
    exact_start = Mul(below_1, half_extent)
    above = Add(middle, half)
    above_1 = Add(above, one)
    exact_end = Mul(above_1, half_extent)

    before = Sub(reach, exact_start)
    edge = Ceil(before)
    starts_before = Less(exact_start, zero)
    edge_before = Where(starts_before, edge, zero)
    moved_start = Add(exact_start, edge_before)
    moved_end = Add(exact_end, edge_before)
    single_start = Cast <to = 1> (moved_start)
    single_end = Cast <to = 1> (moved_end)
    single_length = Sub(single_end, single_start)
    length = Cast <to = 11> (single_length)
    double_start = Cast <to = 11> (single_start)
    double_end = Cast <to = 11> (single_end)
    start = Sub(double_start, edge_before)
    end = Sub(double_end, edge_before)
    scale = Div(length, size)
    filter_scale = Max(scale, one)
    lobes = Where(shrinks, three, two)
    support = Mul(lobes, filter_scale)

    from_ = Sub(start, support)
    first = Floor(from_)
    to = Add(end, support)
    last = Ceil(to)
    first_0 = Squeeze(first)
    last_0 = Squeeze(last)
    one_0 = Squeeze(one)
    places = Range(first_0, last_0, one_0)
    top = Sub(extent, one)
    not_below = Max(places, zero)
    inside = Min(not_below, top)
    pixels = Cast <to = 7> (inside)

    step = Mul(steps, scale)
    centres = Add(start, step)
    middles = Add(places, a_half)
    apart = Sub(middles, centres)
    x = Div(apart, filter_scale)
    far = Abs(x)

    not_0 = Max(far, tiny)
    turns = Mul(not_0, pi)
    slow = Div(turns, three)
    sine = Sin(turns)
    slow_sine = Sin(slow)
    sines = Mul(sine, slow_sine)
    turned = Mul(turns, slow)
    sinc = Div(sines, turned)
    within_3 = Less(far, three)
    lanczos = Where(within_3, sinc, zero)

    near_1 = Mul(far, cubic_3)
    near_2 = Sub(near_1, cubic_2)
    near_3 = Mul(near_2, far)
    near_4 = Mul(near_3, far)
    near = Add(near_4, one)
    next_1 = Sub(far, five)
    next_2 = Mul(next_1, far)
    next_3 = Add(next_2, eight)
    next_4 = Mul(next_3, far)
    next_5 = Sub(next_4, four)
    next = Mul(next_5, minus_half)
    within_1 = Less(far, one)
    within_2 = Less(far, two)
    outer = Where(within_2, next, zero)
    bicubic = Where(within_1, near, outer)

    kernel = Where(shrinks, lanczos, bicubic)
    after_start = GreaterOrEqual(places, zero)
    low = Or(starts_before, after_start)
    ends_after = Greater(exact_end, extent)
    before_end = Less(places, extent)
    high = Or(ends_after, before_end)
    seen = And(low, high)
    counted = Where(seen, kernel, zero)
    total = ReduceSum <keepdims = 1> (counted, last_axis)
    shares = Div(counted, total)
    parts = Mul(shares, unit)
    size_of = Abs(parts)
    more = Add(size_of, a_half)
    whole = Floor(more)
    sign = Sign(parts)
    weights = Mul(whole, sign)
}
"""

_EXTENTS = """
extents (uint8[h, w, 3] picture, float[4] box)
    => (double[1] width, double[1] height, double[1] x, double[1] y, double[1] half_width,
        double[1] half_height, bool[1] shrinks, double[1] reach) {
    shape = Shape(picture)
    sides = Cast <to = 11> (shape)
    height, width, three = Split <num_outputs = 3> (sides)
    wide_box = Cast <to = 11> (box)
    x, y, half_width, half_height = Split <num_outputs = 4> (wide_box)
    cut_width = Mul(half_width, width)
    cut_height = Mul(half_height, height)
    larger = Max(cut_width, cut_height)
    shrinks = Greater(larger, size)
    times = Div(larger, size)
    lobe = Max(times, one)
    reach = Mul(lobe, three_lobes)
}
"""

_RESAMPLED = """
resampled (uint8[h, w, 3] picture, int64[n] columns, double[s, n] across, int64[m] rows,
           double[s, m] down) => (float[1, 3, s, s] crop) {
    strip = Gather <axis = 0> (picture, rows)
    part = Gather <axis = 1> (strip, columns)
    values = Cast <to = 11> (part)
    planes = Transpose <perm = [2, 0, 1]> (values)
    across_t = Transpose(across)
    narrow = MatMul(planes, across_t)
    narrow_share = Div(narrow, unit)
    narrow_more = Add(narrow_share, a_half)
    narrow_floor = Floor(narrow_more)
    narrow_bytes = Clip(narrow_floor, zero, most)
    small = MatMul(down, narrow_bytes)
    small_share = Div(small, unit)
    small_more = Add(small_share, a_half)
    small_floor = Floor(small_more)
    small_bytes = Clip(small_floor, zero, most)
    bytes = Cast <to = 1> (small_bytes)
    shares = Div(bytes, most_float)
    crop = Unsqueeze(shares, first_axis)
}
"""

_LOOK = """
look (float[1, 4] said) => (float[4] box) {
    four = Squeeze(said, first_axis)
    box = Mul(four, larger)
}
"""

_FOUND = """
found (float[4] looked, float[1, 4] said) => (float[4] box) {
    four = Squeeze(said, first_axis)
    middle, half = Split <num_outputs = 2> (four)
    seen_middle, seen_half = Split <num_outputs = 2> (looked)
    shift = Mul(middle, seen_half)
    moved = Add(seen_middle, shift)
    own_middle = Clip(moved, nearest, farthest)
    sized = Mul(half, seen_half)
    own_half = Clip(sized, smallest, largest)
    filled = Mul(own_half, fill)
    box = Concat <axis = 0> (own_middle, filled)
}
"""


def _floats(**values: float) -> dict[str, np.ndarray]:
    return {name: np.array(value, np.float32) for name, value in values.items()}


def _doubles(**values: float) -> dict[str, np.ndarray]:
    return {name: np.array([value], np.float64) for name, value in values.items()}


def add_crop(made: Assembly, prefix: str, picture: str, box: str, size: int) -> str:
    """The crop that `framed` gives of a box: (1, 3, size, size) float32 in [0, 1]."""
    extents = parsed(_EXTENTS, _doubles(size=size, one=1, three_lobes=3))
    told = made.add(f"{prefix}/extents", extents, picture=picture, box=box)
    numbers = {"zero": 0, "a_half": 0.5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
    cubic = {"eight": 8, "minus_half": -0.5, "cubic_3": 1.5, "cubic_2": 2.5}
    more = _doubles(**numbers, **cubic, tiny=1e-9, pi=np.pi, size=size, unit=_UNIT)
    steps = {"steps": np.arange(size)[:, None] + 0.5, "last_axis": np.array([1])}
    axis = parsed(_AXIS, more | steps)
    x, y = (
        made.add(
            f"{prefix}/{name}",
            axis,
            extent=told[side],
            middle=told[name],
            half=told[f"half_{side}"],
            shrinks=told["shrinks"],
            reach=told["reach"],
        )
        for name, side in (("x", "width"), ("y", "height"))
    )
    scalars = {"zero": 0.0, "most": 255.0, "unit": float(_UNIT), "a_half": 0.5}
    resampled = parsed(
        _RESAMPLED,
        {name: np.array(value) for name, value in scalars.items()}
        | {"most_float": _f32(255), "first_axis": np.array([0])},
    )
    return made.add(
        prefix,
        resampled,
        picture=picture,
        columns=x["pixels"],
        across=x["weights"],
        rows=y["pixels"],
        down=y["weights"],
    )["crop"]


def add_whole(made: Assembly) -> str:
    """The box of a whole picture."""
    whole = parsed("whole () => (float[4] box) { box = Identity(sides) }", {"sides": _f32(WHOLE)})
    return made.add("whole", whole)["box"]


def add_found(made: Assembly, picture: str, finder: onnx.GraphProto, size: int) -> str:
    """The box that `framing_boxes` finds, with two looks of a finder at crops of `size`."""
    first_axis = {"first_axis": np.array([0])}
    crop = add_crop(made, "first_look", picture, add_whole(made), size)
    said = made.add("first_finder", finder, crops=crop)["box"]
    larger = {"larger": _f32((1, 1, LOOK, LOOK))}
    looked = made.add("look", parsed(_LOOK, first_axis | larger), said=said)["box"]
    crop = add_crop(made, "second_look", picture, looked, size)
    said = made.add("second_finder", finder, crops=crop)["box"]
    limits = {"nearest": -FARTHEST, "farthest": FARTHEST, "smallest": SMALLEST, "largest": LARGEST}
    found = parsed(_FOUND, first_axis | _floats(fill=FILL, **limits))
    return made.add("found", found, looked=looked, said=said)["box"]


def _f32(values: object) -> np.ndarray:
    return np.array(values, np.float32)
