"""A stage: the shares that its kind allows, and what is derived from them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from raresign.errors import InputError
from raresign.training.recipe import load_recipe
from raresign.training.stage import Stage

BALANCED = {"classes": 3, "items": 2}


@pytest.mark.parametrize(
    ("settings", "batch"),
    [
        ({"kind": "pretrain", "real": 8}, 8),
        ({"kind": "synthetic", "synthetic": 6}, 6),
        ({"kind": "mixed", "real": 8, "synthetic": 6}, 14),
        ({"kind": "mixed", "balanced": BALANCED}, 6),
        ({"kind": "metric", "balanced": BALANCED}, 6),
    ],
)
def test_shares_that_fit(settings: dict[str, Any], batch: int) -> None:
    assert Stage(steps=1, **settings).batch == batch


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"kind": "pretrain"}, "real"),
        ({"kind": "pretrain", "real": 8, "synthetic": 8}, "synthetic"),
        ({"kind": "pretrain", "balanced": BALANCED}, "balanced"),
        ({"kind": "synthetic"}, "synthetic"),
        ({"kind": "synthetic", "real": 8, "synthetic": 8}, "real"),
        ({"kind": "synthetic", "balanced": BALANCED}, "balanced"),
        ({"kind": "mixed", "real": 8}, "synthetic"),
        ({"kind": "mixed", "synthetic": 8}, "real"),
        ({"kind": "metric"}, "balanced"),
        ({"kind": "metric", "real": 8, "balanced": BALANCED}, "balanced"),
        ({"kind": "metric", "balanced": {"classes": 1, "items": 2}}, "balanced.classes"),
        ({"kind": "pre-train", "real": 8}, "kind"),
    ],
)
def test_shares_that_do_not_fit(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=f"stages.0.*{named}"):
        load_recipe({"stages": [{"steps": 1, **settings}]})


def test_title_is_the_name_or_the_kind() -> None:
    assert Stage(kind="pretrain", steps=1, real=1).title == "pretrain"
    assert Stage(kind="pretrain", steps=1, real=1, name="first").title == "first"


def test_a_stage_does_not_change() -> None:
    stage = Stage(kind="pretrain", steps=1, real=1)
    with pytest.raises(ValidationError):
        stage.steps = 2  # type: ignore[misc]


@pytest.mark.parametrize("name", ["../up", "a/b", "a\\b", "a\0b"])
def test_names_that_are_no_folder_are_refused(name: str) -> None:
    """The name becomes a folder of the run."""
    with pytest.raises(InputError, match=r"stages\.0\.name"):
        load_recipe({"stages": [{"kind": "pretrain", "steps": 1, "real": 1, "name": name}]})


MIXED = {"kind": "mixed", "real": 4, "synthetic": 4}
PRETRAIN = {"kind": "pretrain", "real": 4}
SYNTHETIC = {"kind": "synthetic", "synthetic": 4}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({**SYNTHETIC, "prior": "domain"}, "'prior' needs real and synthetic crops"),
        ({**MIXED, "prior_strength": 0.5}, "'prior_strength' below 1 needs 'prior: domain'"),
        ({**MIXED, "metric": {"loss": "triplet"}}, "metric.loss"),
        ({**MIXED, "contrastive": {"form": "other"}}, "contrastive.form"),
    ],
)
def test_ideas_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"stages.0.*{message}"):
        load_recipe({"stages": [{"steps": 1, **settings}]})


@pytest.mark.parametrize(
    "settings",
    [
        {**MIXED, "prior": "domain"},
        {"kind": "metric", "balanced": BALANCED, "prior": "domain"},
        {**PRETRAIN, "prior_strength": 1.0},
        {**MIXED, "prior": "domain", "prior_strength": 0.5},
    ],
)
def test_ideas_that_fit(settings: dict[str, Any]) -> None:
    stage = Stage(steps=1, **settings)
    assert Stage.model_validate(stage.model_dump()) == stage
