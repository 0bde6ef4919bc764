"""Fits the score of how known a crop looks: a logistic regression on known and unknown crops."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit

from raresign.answers.known_score import Floats, KnownScore


def fit_known_score(features: ArrayLike, known: ArrayLike, ridge: float = 1e-3) -> KnownScore:
    """Fit a `KnownScore`: mean log loss, known and unknown counting half each, + ridge |w|^2 / 2.

    The ridge (not on the intercept) keeps separable crops finite. Convex; L-BFGS in float64.
    Source: S. le Cessie, J. C. van Houwelingen, "Ridge estimators in logistic regression",
    Applied Statistics 41 (1992) 191-201.

    Args:
        features: (N, 5) of `known_features`.
        known: (N,) bool, with crops of both kinds.
        ridge: Penalty on the coefficients of the standardised features, above 0.

    Example:
        >>> rows = np.linspace(0, 1, 20)[:, None] * np.ones(5)
        >>> score = fit_known_score(rows, np.arange(20) >= 10).of(rows)
        >>> bool(score[9] < 0.5 < score[10])
        True
    """
    table, is_known = np.asarray(features, np.float64), np.asarray(known, bool)
    mean, scale = table.mean(axis=0), table.std(axis=0)
    scale = np.where(scale > 1e-9 * (1 + np.abs(mean)), scale, 1.0)  # a constant column stays 0
    x = np.column_stack([(table - mean) / scale, np.ones(len(table))])
    share = np.where(is_known, 0.5 / is_known.sum(), 0.5 / (~is_known).sum())
    penalty = ridge * np.append(np.ones(table.shape[1]), 0.0)

    def loss(w: Floats) -> tuple[float, Floats]:
        logit = x @ w
        value = share @ np.logaddexp(0, np.where(is_known, -logit, logit)) + penalty @ w**2 / 2
        return float(value), x.T @ (share * (expit(logit) - is_known)) + penalty * w

    start = np.zeros(x.shape[1])
    options = {"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-9}
    *coefficients, intercept = minimize(
        loss, start, jac=True, method="L-BFGS-B", options=options
    ).x.tolist()
    return KnownScore(tuple(mean.tolist()), tuple(scale.tolist()), tuple(coefficients), intercept)
