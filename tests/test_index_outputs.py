"""Crops of an index: the same for a class whatever the catalogue around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from raresign.fitting.synthetic_outputs import index_outputs
from raresign.models.outputs import net_outputs, net_rows, tensor_outputs
from raresign.models.sign_net import SignNet, SignOutput
from raresign.synthesis.preset import ReferencePreset, RoadPreset, load_preset
from raresign.synthesis.synthesiser import build_synthesiser
from synthesis_core import background_atlas, icon_atlas

SIZE = 32


class Pixels(nn.Module):
    """A net whose embedding is the crop itself; the last pixels serve as logits."""

    settings = {"classes": 4, "embedding": 3 * SIZE * SIZE}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.anything = nn.Parameter(torch.zeros(1))

    def forward(self, crops: Tensor) -> Any:
        flat = crops.flatten(1)
        return SignOutput(flat[:, -4:], flat)


def settings_of(name: str, others: bool) -> RoadPreset | ReferencePreset:
    """The preset, with other signs of the catalogue in the picture or without."""
    preset = load_preset(name)
    if others or not isinstance(preset, RoadPreset):
        return preset
    never = {"probability": 0.0}
    names = ("neighbour", "sign_behind", "sign_before")
    return preset.model_copy(
        update={name: getattr(preset, name).model_copy(update=never) for name in names}
    )


def crops_by_code(
    codes: tuple[str, ...],
    preset: str,
    count: int,
    turn: int = 0,
    seed: int = 3,
    others: bool = True,
) -> dict[str, Tensor]:
    """(count, 3 S S) crops of each class."""
    engine = build_synthesiser(
        settings_of(preset, others), icon_atlas(SIZE, codes), background_atlas(SIZE), seed=seed
    )
    net: Any = Pixels()
    outputs = index_outputs(net, engine, codes, count, turn)
    assert outputs.labels.tolist() == [label for label in range(len(codes)) for _ in range(count)]
    rows = torch.from_numpy(outputs.embedding).split(count)
    return dict(zip(codes, rows, strict=True))


@pytest.mark.parametrize("preset", ["road", "reference"])
def test_a_class_has_the_same_crops_in_another_catalogue(preset: str) -> None:
    catalogues = ("4.1.2", "2.5", "3.24.n60"), ("1.11.1", "3.24.n60", "1.20.2", "4.1.2")
    for others in (False, True):
        one, two = (crops_by_code(codes, preset, 40, others=others) for codes in catalogues)
        for code in ("4.1.2", "3.24.n60"):
            # Matrices of other sizes round otherwise; now and then a JPEG wave falls to a step.
            same = (one[code] - two[code]).abs().amax(1) < 2 / 255
            assert same.sum() >= (26 if others else 39)  # 1 in 6 shows another sign
        assert not torch.allclose(one["4.1.2"], one["3.24.n60"])


def test_crops_differ_among_themselves_and_by_turn_and_seed() -> None:
    codes = ("2.5", "4.1.2")
    first = crops_by_code(codes, "road", 6)
    again, turned, seeded = (
        crops_by_code(codes, "road", 6, turn, seed) for turn, seed in ((0, 3), (1, 3), (0, 4))
    )
    for code in codes:
        assert torch.equal(first[code], again[code])
        every = torch.cat([first[code], turned[code], seeded[code]])
        assert len(torch.unique(every, dim=0)) == 18
    more = crops_by_code(codes, "road", 9)  # a longer index begins with the shorter one
    assert (more["2.5"][:6] - first["2.5"]).abs().amax() < 2 / 255


def test_outputs_are_those_of_the_net_in_evaluation_mode_in_any_batch(
    new_net: Callable[[], SignNet],
) -> None:
    net = new_net().train()
    crops = torch.randint(0, 256, (7, 3, SIZE, SIZE), dtype=torch.uint8)
    whole, part = net_outputs(net, crops.numpy()), net_outputs(net, crops.numpy()[:3])
    assert not net.training
    with torch.no_grad():
        expected = net(crops.float() / 255)
    floats = tensor_outputs(net, crops.float() / 255)
    np.testing.assert_allclose(part.logits, whole.logits[:3], rtol=1e-5, atol=1e-6)
    for outputs in (whole, floats):
        torch.testing.assert_close(torch.from_numpy(outputs.logits), expected.logits)
        torch.testing.assert_close(torch.from_numpy(outputs.embedding), expected.embedding)
        assert outputs.labels.tolist() == [-1] * 7
    nothing = net_outputs(net, crops[:0].numpy())
    assert (nothing.logits.shape, nothing.embedding.shape) == ((0, 6), (0, 16))


def test_rows_and_relu_of_the_embedding_give_the_logits(new_net: Callable[[], SignNet]) -> None:
    """What answers are made of in NumPy is what the net itself says."""
    net = new_net()
    rng = np.random.default_rng(0)
    outputs = net_outputs(net, rng.integers(0, 256, (40, 3, SIZE, SIZE), dtype=np.uint8))
    rows, biases = net_rows(net)
    logits = np.maximum(outputs.embedding, 0) @ rows.T + biases
    np.testing.assert_allclose(logits, outputs.logits, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(logits.argmax(1), outputs.logits.argmax(1))
