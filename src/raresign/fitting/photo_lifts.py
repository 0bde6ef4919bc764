"""A few real photos lift the score of their class where they say so; others lose next to nothing.

The photos show two things at once: what this sign really looks like, and what the camera does to
every sign. Only the first may teach, or the class would take real crops of others too. So the
photos' displacement from the class's synthetic crops is put on the other classes as well, and what
becomes of their crops holds the class back. Source: B. Hariharan, R. Girshick, "Low-shot visual
recognition by shrinking and hallucinating features", ICCV 2017, who carry the displacement between
two crops of one class over to another class.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from raresign.answers.head import Head
from raresign.answers.numerics import sigmoid
from raresign.answers.prototypes import SOURCES

SPREAD = 4.0
"""Standard deviation, in nats of a usual crop's score, of how far a lift is expected to go."""
MOST_LOST = 0.002
"""Share of other classes' crops that may be lost to the class, at least one."""
MOST_LOST_EACH = 0.1
"""The same of any one class."""
_DISPLACED = 8  # photos whose displacement is put on other classes
_SLACK = 1e-4  # of a score; above what float32 rounds off


def fit_lift(head: Head, label: int, photos: np.ndarray) -> np.ndarray:
    """What is added to the score of one class, a linear function of a crop's features.

    Minimises, with `score` the joined score of classifier and prototypes (the photos among them)
    and the lift, and z = features / their usual length::

        sum over photos of -log p(class)
        + for each class: the mean of -log p over its crops in the index
        + for each other class: the mean over its displaced crops that were recognised
        + |lift|^2 / (2 SPREAD^2), in units of z

    so a photo weighs as much as a whole class does, and the prior as if the score were known to a
    few nats. It is convex. Then the lift is lowered until at most `MOST_LOST` of the crops of other
    classes that were recognised before are lost, and `MOST_LOST_EACH` of any one class's.

    The classifier's own rows and logits stay: they tell how known a sign looks, which a photo does
    not change.

    Args:
        head: Without photos of the class; with prototypes of all classes.
        label: The class.
        photos: (n, E) float32 embeddings, n at least 1.

    Returns:
        (E + 1,) float32 for `Head.with_photos`: of the features, and a constant.
    """
    index = head.index.embeddings * head.lengths[:, None]
    moved, owners = _displaced(head, label, photos)
    crops = np.concatenate([photos, index, moved])
    truth = np.concatenate([np.full(len(photos), label), head.index.labels, owners])
    groups = np.repeat([0, 1, 2], [len(photos), len(index), len(moved)])

    scores = head.with_photos(label, photos, None).scores(crops).astype(np.float64)
    rest = np.delete(scores, label, axis=1)
    others, own = logsumexp(rest, axis=1), scores[:, label]
    features = head.features(crops).astype(np.float64)
    usual = float(np.sqrt(np.mean(np.square(features).sum(1)))) or 1.0
    columns = np.concatenate([features / usual, np.ones((len(features), 1))], axis=1)
    mine = truth == label
    sign = np.where(mine, 1.0, -1.0)
    weights = _weights(groups, truth, len(head.families))

    def loss(lift: np.ndarray) -> tuple[float, np.ndarray]:
        lead = sign * (own + columns @ lift - others)
        value = weights @ np.logaddexp(0, -lead) + lift @ lift / (2 * SPREAD**2)
        slope = -(weights * sign * sigmoid(-lead)) @ columns + lift / SPREAD**2
        return float(value), slope

    start = np.zeros(columns.shape[1])
    lift = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    counted = (head.scores(crops).argmax(1) == truth) & ~mine
    margin = (own + columns @ lift - rest.max(1))[counted]
    lift[-1] += lost_shift(margin, truth[counted])
    lift[:-1] /= usual
    fitted: np.ndarray = lift.astype(np.float32)
    return fitted


def lost_shift(margin: np.ndarray, classes: np.ndarray) -> float:
    """The largest number <= 0 that, added to the margins, leaves few of them above 0.

    Args:
        margin: (M,) by how much crops of other classes would be taken.
        classes: (M,) their classes.

    Example:
        >>> margin = np.array([3.0, 2.0] + [-1.0] * 18)
        >>> round(lost_shift(margin, np.zeros(20, int)), 2)  # the first may go
        -2.0
    """
    needed = [0.0, _beyond(margin, MOST_LOST)]
    needed += [_beyond(margin[classes == one], MOST_LOST_EACH) for one in np.unique(classes)]
    most = max(needed)
    return -most - _SLACK if most > 0 else 0.0


def _beyond(margin: np.ndarray, share: float) -> float:
    """The first margin, from the largest, that must not be above 0; one always may."""
    allowed = max(1, int(share * len(margin) + 1e-9))
    if allowed >= len(margin):
        return 0.0
    return float(np.partition(margin, -allowed - 1)[-allowed - 1])


def _displaced(head: Head, label: int, photos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(D, E) crops of the other classes, moved as the photos are, if still recognised; labels."""
    drawn = head.index.sources != SOURCES.index("real")
    index = head.index.embeddings * head.lengths[:, None]
    rows = {
        int(one): np.flatnonzero(drawn & (head.index.labels == one))
        for one in np.unique(head.index.labels[drawn])
    }
    own = rows.pop(label, None)
    if own is None or not rows:
        return np.empty((0, index.shape[1]), np.float32), np.empty(0, np.int64)
    away = _spread(photos, min(len(photos), _DISPLACED)) - index[own].mean(0)
    crops = np.concatenate([_spread(index[each], len(away)) for each in rows.values()])
    moved = (crops + np.tile(away, (len(rows), 1))).astype(np.float32)
    owners = np.repeat(list(rows), len(away))
    kept = head.scores(moved).argmax(1) == owners
    return moved[kept], owners[kept]


def _spread(rows: np.ndarray, count: int) -> np.ndarray:
    """`count` of the rows, evenly spread; some more than once where there are fewer."""
    places = np.linspace(0, len(rows) - 1, count).round().astype(int)
    picked: np.ndarray = rows[places]
    return picked


def _weights(groups: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """(M,) 1 for each photo (group 0); crops of one class and another group share 1."""
    key = groups * classes + truth
    counts = np.bincount(key)
    weights: np.ndarray = np.where(groups == 0, 1.0, 1.0 / counts[key])
    return weights
