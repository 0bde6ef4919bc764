"""The head in ONNX operators: from an embedding to probabilities and the level of the answer."""

from __future__ import annotations

import numpy as np
import onnx

from raresign.answers.head import Head
from raresign.answers.prototypes import SOURCES
from raresign.answers.unknown_rule import LEVELS, SURE_DIGITS
from raresign.fitting.one_graph.assembly import Assembly, parsed

_SCORES = """
scores (float[1, e] embedding)
    => (float[1, e] features, float[1, e] unit, float[1, c] logits, float[1, c] cosines,
        float[1, c] joined) {
    features = Relu(embedding)
    products = MatMul(features, rows)
    logits = Add(products, biases)
    length = ReduceL2 <keepdims = 1> (embedding, last_axis)
    some = Max(length, shortest)
    unit = Div(embedding, some)
    likeness = MatMul(unit, means)
    bounded = Clip(likeness, minus_one, one)
    cosines = Where(present, bounded, absent)
    own = Mul(logits, logit_scale)
    like = Mul(cosines, prototype_scale)
    both = Add(own, like)
    joined = Add(both, rare_bias)
}
"""

_LIFT = """
lift (float[1, e] features, float[1, c] joined) => (float[1, c] lifted) {
    more = MatMul(features, lifts)
    moved = Add(more, offsets)
    lifted = Add(joined, moved)
}
"""

_PHOTO = """
photo (float[1, e] unit, float[1, c] cosines) => (float[1, c] near) {
    likeness = MatMul(unit, photos)
    nearest = ReduceMax <keepdims = 1> (likeness, last_axis)
    own = Where(label, nearest, absent)
    near = Max(cosines, own)
}
"""

_SHARES = """
shares (float[1, c] joined)
    => (float[1, c] probabilities, int64[1] best, float[1] probability, int64[1] family,
        float[1] family_probability, double[1] confidence) {
    probabilities = Softmax <axis = 1> (joined)
    best = ArgMax <axis = 1, keepdims = 0> (probabilities)
    probability = ReduceMax <keepdims = 0> (probabilities, last_axis)
    wide = Cast <to = 11> (probabilities)
    of_family = MatMul(wide, member)
    family = ArgMax <axis = 1, keepdims = 0> (of_family)
    surest = ReduceMax <keepdims = 0> (of_family, last_axis)
    many = Mul(surest, digits)
    whole = Round(many)
    confidence = Div(whole, digits)
    family_probability = Cast <to = 1> (confidence)
}
"""

_LEVEL = """
level (float[1, c] probabilities, float[1, c] near, float[1, c] logits, float[1, e] features,
       int64[1] best, double[1] confidence) => (int64[1] level, double[1] known) {
    wide = Cast <to = 11> (probabilities)
    some = Max(wide, least)
    logs = Log(some)
    two, places = TopK <axis = 1> (logs, number_two)
    first, second = Split <axis = 1, num_outputs = 2> (two)
    margin = Sub(first, second)
    wide_near = Cast <to = 11> (near)
    closest = ReduceMax <keepdims = 1> (wide_near, last_axis)
    best_2 = Unsqueeze(best, last_axis)
    own = GatherElements <axis = 1> (wide_near, best_2)
    wide_logits = Cast <to = 11> (logits)
    energy = ReduceLogSumExp <keepdims = 1> (wide_logits, last_axis)
    raw = Concat <axis = 1> (first, margin, closest, own, energy)
    centred = Sub(raw, mean)
    standard = Div(centred, scale)
    weighed = Mul(standard, coefficients)
    summed = ReduceSum <keepdims = 0> (weighed, last_axis)
    logit = Add(summed, intercept)
    known = Sigmoid(logit)
    is_class = GreaterOrEqual(known, class_threshold)
    is_family = GreaterOrEqual(confidence, family_threshold)
    coarse = Where(is_family, level_1, level_2)
    fine = Where(is_class, level_0, coarse)

    against = MatMul(features, no_sign)
    against_all = Add(against, no_sign_bias)
    wide_against = Cast <to = 11> (against_all)
    sign_logit_2 = Sub(energy, wide_against)
    sign_logit = Squeeze(sign_logit_2, last_axis)
    sign = Sigmoid(sign_logit)
    is_sign = GreaterOrEqual(sign, sign_threshold)
    level = Where(is_sign, fine, level_3)
}
"""

_NAMES = """
names (int64[1] best, int64[1] family, int64[1] level)
    => (string[1] code, string[1] name, string[1] family_name, string[1] level_name,
        string[c] codes, string[c] names) {
    code = Gather(every_code, best)
    name = Gather(every_name, best)
    family_name = Gather(every_family, family)
    level_name = Gather(every_level, level)
    codes = Identity(every_code)
    names = Identity(every_name)
}
"""


def add_head(
    made: Assembly, head: Head, codes: list[str], names: list[str], embedding: str
) -> dict[str, str]:
    """All that a head says of an embedding, (1, E).

    Returns:
        What each is called in the graph: `probabilities`, `probability`, `code`, `name`,
        `level_name`, `known`, `family_name`, `family_probability`, `codes`, `names`.
    """
    axis = {"last_axis": np.array([1])}
    scored = made.add("scores", parsed(_SCORES, axis | _score_arrays(head)), embedding=embedding)
    joined, near = scored["joined"], scored["cosines"]
    if head.lifts:
        arrays = _lift_arrays(head)
        joined = made.add(
            "lift", parsed(_LIFT, arrays), features=scored["features"], joined=joined
        )["lifted"]
        for label, arrays in _photo_arrays(head).items():
            piece = parsed(_PHOTO, axis | arrays)
            near = made.add(f"photo_{label}", piece, unit=scored["unit"], cosines=near)["near"]
    families = list(dict.fromkeys(head.families))
    member = np.array(head.families)[:, None] == np.array(families)[None, :]
    digits = {"digits": np.array(10.0**SURE_DIGITS), "member": member.astype(np.float64)}
    said = made.add("shares", parsed(_SHARES, axis | digits), joined=joined)
    told = {name: said[name] for name in ("probabilities", "best", "confidence")}
    judged = made.add(
        "level",
        _level_piece(head),
        **({} if head.rule is None else {"near": near} | told),
        **({} if head.rule is None else {k: scored[k] for k in ("logits", "features")}),
    )
    listed = {
        "every_code": np.array(codes),
        "every_name": np.array(names),
        "every_family": np.array(families),
        "every_level": np.array(LEVELS),
    }
    named = made.add(
        "names",
        parsed(_NAMES, listed),
        best=said["best"],
        family=said["family"],
        level=judged["level"],
    )
    return {**said, **judged, **named}


def _level_piece(head: Head) -> onnx.GraphProto:
    """The rule for unknown signs; without one every crop is named."""
    if head.rule is None:
        arrays = {"zero": np.array([0]), "one": np.array([1.0])}
        text = "level () => (int64[1] level, double[1] known) {"
        return parsed(f"{text} level = Identity(zero) known = Identity(one) }}", arrays)
    score, levels = head.rule.score, head.rule.levels
    nothing = np.zeros(head.rows.shape[1] + 1, np.float32)
    nothing[-1] = -1e9  # without "no sign" there is always a sign
    against = nothing if head.no_sign is None else head.no_sign
    numbers = {
        "least": 1e-12,
        "intercept": score.intercept,
        "class_threshold": levels.class_threshold,
        "family_threshold": levels.family_threshold,
        "sign_threshold": levels.sign_threshold,
    }
    return parsed(
        _LEVEL,
        {name: np.array([value], np.float64) for name, value in numbers.items()}
        | {name: np.array([vars(score)[name]]) for name in ("mean", "scale", "coefficients")}
        | {f"level_{number}": np.array([number]) for number in range(len(LEVELS))}
        | {"last_axis": np.array([1]), "number_two": np.array([2])}
        | {"no_sign": _f32(against[:-1, None]), "no_sign_bias": _f32(against[-1:])},
    )


def _score_arrays(head: Head) -> dict[str, np.ndarray]:
    fusion, index = head.fusion, head.index
    some = index.present if index.present.any() else np.ones_like(index.present)
    return {
        "rows": _f32(head.rows.T),
        "biases": _f32(head.biases),
        "means": _f32(index.class_means.T),
        "present": some[None],
        "absent": _f32(-1),
        "one": _f32(1),
        "minus_one": _f32(-1),
        "shortest": _f32(1e-12),
        "logit_scale": _f32(fusion.logit_scale),
        "prototype_scale": _f32(fusion.prototype_scale),
        "rare_bias": _f32(fusion.rare_bias * head.rare),
    }


def _lift_arrays(head: Head) -> dict[str, np.ndarray]:
    classes, width = head.rows.shape
    lifts = np.zeros((width + 1, classes), np.float32)
    for label, lift in head.lifts:
        lifts[:, label] += lift
    return {"lifts": lifts[:-1], "offsets": lifts[-1]}


def _photo_arrays(head: Head) -> dict[int, dict[str, np.ndarray]]:
    """By label of a class with photos: their embeddings of length 1, and where it stands."""
    real = head.index.sources == SOURCES.index("real")
    found = {}
    for label, _ in head.lifts:
        seen = head.index.embeddings[real & (head.index.labels == label)]
        own = np.arange(len(head.families))[None] == label
        found[label] = {"photos": _f32(seen.T), "label": own, "absent": _f32(-2)}
    return found


def _f32(values: object) -> np.ndarray:
    return np.array(values, np.float32)
