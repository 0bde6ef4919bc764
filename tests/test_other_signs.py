"""Other signs: which ones they are, how they join the batches, and that nothing of them is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from raresign.errors import InputError, Interrupted
from raresign.models.sign_net import SignNet
from raresign.signs.catalogue.likeness import colour_differences
from raresign.signs.catalogue.other_signs import other_signs
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.catalogue.unknown_sign_drawings import drawn_unknown_signs
from raresign.signs.countries.drawn_sign import render_sign
from raresign.signs.countries.invented_signs import invented_signs
from raresign.signs.countries.registry import standard
from raresign.training.batches import StageBatches
from raresign.training.module import StageModule
from raresign.training.recipe import load_recipe
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData
from test_batches import CPU, batches
from test_fit import MIXED, ctrl_c_in_step, fit

SETTINGS = {"kind": "mixed", "real": 5, "synthetic": 6}


@pytest.fixture
def data(training_data: TrainingData) -> TrainingData:
    """The tiny data with seven signs outside their catalogue."""
    few = replace(training_data)
    few.__dict__["others"] = SignCatalogue(other_signs(few.catalogue, few.seed).classes[::60][:7])
    return few


def foreign(folder: Path, svg: str, name: str = "274") -> SignCatalogue:
    """A catalogue of no country whose only class has this drawing."""
    (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    sign = SignClass(name, 0, "rare", (folder / f"{name}.svg",), "some family", None)
    return SignCatalogue([sign])


def test_inventions_differ_and_follow_the_seed() -> None:
    signs = invented_signs(60, seed=1)
    assert len(signs) == len(set(signs.values())) == 60
    assert signs == invented_signs(60, seed=1)
    assert len(set(signs.values()) & set(invented_signs(60, seed=2).values())) < 10


def test_no_invention_is_a_sign_of_ours() -> None:
    drawings = {standard("gost").svg(code) for code in standard("gost").signs}
    assert not set(invented_signs(400, seed=0).values()) & drawings


def test_an_invention_that_looks_like_a_class_is_left_out(tmp_path: Path) -> None:
    inventions = invented_signs(400, seed=0)
    code = next(code for code in inventions if not code.endswith("number"))
    other = foreign(tmp_path, standard("gost").svg("2.1"))
    assert code in other_signs(other, seed=0).codes
    own = foreign(tmp_path, inventions[code], "own")
    assert code not in other_signs(own, seed=0).codes
    assert code not in other_signs(other, seed=0, hidden=own.classes).codes


def test_the_same_sign_of_another_country_is_left_out(tmp_path: Path) -> None:
    """A darker red and a wider rim make no other sign of "children"."""
    svg = standard("gost").svg("1.23").replace("#d5121e", "#b01020")
    theirs = foreign(tmp_path, svg.replace('viewBox="0 0 834 735"', 'viewBox="8 10 816 717"'))
    taken = {code for seed in range(2) for code in other_signs(theirs, seed).codes}
    assert "1.23" not in taken
    assert {"1.8", "1.16"} & taken  # of the same family


def test_signs_of_the_rule_classes_and_hidden_ones_are_left_out(catalogue: SignCatalogue) -> None:
    hidden = SignCatalogue([replace(other_signs(catalogue, 0)[0], code="1.1", id=900)])
    rule = drawn_unknown_signs(catalogue, 0, hidden.classes)
    taken = other_signs(catalogue, 0, hidden.classes).codes
    assert not set(taken) & {*rule.codes, *catalogue.codes, "1.1"}
    assert sum(code in standard("gost").codes for code in taken) > 80
    assert sum(code.startswith("invented") for code in taken) > 200


def test_colours_where_they_stand() -> None:
    left, right = render_sign("1.11.1", 96), render_sign("1.11.2", 96)
    table = colour_differences([left, right], [left, right, np.zeros_like(left)])
    assert table[0, 0] == table[1, 1] == 0
    assert table[0, 1] == pytest.approx(table[1, 0])
    assert 0.01 < table[0, 1] < 0.5 * table[0, 2]


def test_others_come_beside_the_crops_that_come_anyway(data: TrainingData) -> None:
    plain, more = batches(data, **SETTINGS), batches(data, **SETTINGS, others=4)
    count, seen = len(data.catalogue), []
    for step in range(7):
        few, many = plain.batch(step), more.batch(step)
        assert torch.allclose(many.crops[:11], few.crops, atol=1e-5)
        assert torch.equal(many.labels[:11], few.labels)
        assert many.synthetic.tolist() == [False] * 5 + [True] * 10
        seen += (many.labels[11:] - count).tolist()
    assert np.bincount(seen).tolist() == [4] * 7
    again = StageBatches(data, more.stage, 0, CPU)
    assert torch.allclose(again.batch(3).crops, more.batch(3).crops, atol=1e-5)


def test_priors_of_others(data: TrainingData) -> None:
    plain, more = batches(data, **SETTINGS).priors(), batches(data, **SETTINGS, others=4).priors()
    assert torch.equal(more[0, :6], plain[0])
    assert more[0, 6:].tolist() == [0] * 7
    torch.testing.assert_close(more[1, :6], 0.6 * plain[1])
    torch.testing.assert_close(more[1, 6:], torch.full((7,), 0.4 / 7))


def test_a_stage_without_synthetic_crops_takes_no_others() -> None:
    with pytest.raises(InputError, match="'others'"):
        load_recipe({"stages": [{"kind": "pretrain", "steps": 1, "real": 4, "others": 2}]})


@pytest.mark.parametrize("more", [{}, {"metric": {"loss": "supcon", "icons": True}}])
def test_their_rows_train_are_cut_off_and_resume(
    data: TrainingData, new_net: Callable[[], SignNet], tmp_path: Path, more: dict[str, object]
) -> None:
    stage = {**MIXED, "steps": 4, "prior": "domain", "others": 3, **more}
    straight, resumed = new_net(), new_net()
    names = {name: value.shape for name, value in straight.state_dict().items()}
    module = StageModule(new_net(), Stage(**stage), data, 0)
    assert module.others is not None
    fit(straight, data, tmp_path / "straight", stage)
    assert {name: value.shape for name, value in straight.state_dict().items()} == names
    kept = torch.load(tmp_path / "straight" / "last.ckpt", weights_only=False)["state_dict"]
    assert kept["others.weight"].shape == (7, 16)
    assert not torch.equal(kept["others.weight"], module.others.weight)
    with ctrl_c_in_step(2), pytest.raises(Interrupted):
        fit(new_net(), data, tmp_path / "resumed", stage, resume=True)
    fit(resumed, data, tmp_path / "resumed", stage, resume=True)
    for name, value in straight.state_dict().items():
        assert torch.allclose(value, resumed.state_dict()[name], atol=1e-6, rtol=0), name
