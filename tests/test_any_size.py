"""Crops of any size under any ranges: finished pictures, alike in every batch."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.synthesis.preset import load_preset
from raresign.synthesis.synthesiser import build_synthesiser
from synthesis_core import FORTY, background_atlas, icon_atlas

CODES = FORTY[:3]
RANGES = {
    "sensor.pixels": (1.0, 96.0),
    "sensor.blur": (0.0, 3.0),
    "pose.tilt": (-60.0, 60.0),
    "pose.margin": (-0.4, 2.0),
    "exposure.gain": (0.01, 8.0),
    "background.contrast": (0.0, 6.0),
    "noise.read": (0.0, 0.5),
    "sharpening.amount": (0.0, 6.0),
    "jpeg.quality": (1.0, 100.0),
    "tone_curve.gamma": (0.1, 8.0),
    "haze.contrast": (0.0, 1.0),
    "motion_blur.length": (0.001, 0.2),
}


@settings(max_examples=25, deadline=None)
@given(
    size=st.integers(8, 96),
    data=st.data(),
    chosen=st.sets(st.sampled_from(sorted(RANGES)), max_size=4),
    numbers=st.lists(st.integers(0, 2**60), min_size=1, max_size=5, unique=True),
)
def test_any_size_and_any_ranges_give_pictures_alike_in_every_batch(
    size: int, data: st.DataObject, chosen: set[str], numbers: list[int]
) -> None:
    values: dict[str, dict[str, object]] = {}
    for place in chosen:
        effect, field = place.split(".")
        knots = st.lists(st.floats(*RANGES[place]), min_size=2, max_size=5).map(sorted)
        values[effect] = {field: data.draw(knots), "probability": 1.0}
    engine = build_synthesiser(
        load_preset(values), icon_atlas(size, CODES), background_atlas(size, 1), seed=2
    )
    labels, serial = torch.arange(len(numbers)) % 3, torch.tensor(numbers)
    made = engine.render(labels, serial)
    assert made.crops.shape == (len(numbers), 3, size, size)
    assert torch.isfinite(made.crops).all()
    assert 0 <= made.crops.min() <= made.crops.max() <= 1
    turned = engine.render(labels.flip(0), serial.flip(0))
    alone = engine.render(labels[:1], serial[:1])
    if "jpeg" not in values:  # a wave between two steps may fall either way
        moved = (turned.crops.flip(0) - made.crops).abs().flatten(1).quantile(0.98, dim=1)
        assert moved.max() <= 1e-3
        assert (alone.crops[0] - made.crops[0]).abs().quantile(0.98) <= 1e-3
    assert torch.equal(turned.tries.flip(0), made.tries)
