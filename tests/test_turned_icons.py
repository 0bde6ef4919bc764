"""Signs that hang at any angle are made so."""

import numpy as np
import pytest
import torch

from raresign.signs.catalogue.pictures import load_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.turned_icons import turned_icons
from raresign.signs.countries.drawn_folder import drawn_icons
from raresign.signs.countries.drawn_sign import render_sign
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import load_preset
from raresign.synthesis.synthesiser import build_synthesiser


def test_a_roundabout_turns() -> None:
    icon = render_sign("4.3", 96)
    turned = turned_icons(icon)
    assert [picture.shape for picture in turned] == [icon.shape] * 3
    quarter = np.rot90(icon, 1).astype(int)  # 90 degrees, against the clock as Pillow turns
    assert np.abs(turned[2].astype(int) - quarter)[4:-4, 4:-4].mean() < 3


@pytest.mark.parametrize("code", ["3.2", "3.24.n60", "2.4", "2.5", "3.27", "4.1.1", "1.1", "2.1"])
def test_others_do_not(code: str) -> None:
    assert turned_icons(render_sign(code, 96)) == []


def test_the_atlas_holds_the_turned_ones() -> None:
    codes = ["3.2", "4.3"]
    folder = drawn_icons("gost", codes, variants=False)
    catalogue = SignCatalogue.from_icons(folder, dict.fromkeys(codes, "rare"))
    atlas = IconAtlas.from_catalogue(catalogue, 32)
    assert atlas.count.tolist() == [1, 4]
    assert atlas.codes == ("3.2", "4.3", "4.3", "4.3", "4.3")
    assert atlas.sources == (0, 0, 0, 0, 0)


def test_the_published_system_shows_icons_upright() -> None:
    codes = ["3.2", "4.3"]
    folder = drawn_icons("gost", codes, variants=False)
    catalogue = SignCatalogue.from_icons(folder, dict.fromkeys(codes, "rare"))
    atlas = IconAtlas.from_catalogue(catalogue, 32)
    alone = IconAtlas.from_pictures(
        [pictures[0] for pictures in load_pictures(catalogue.classes, 64)], codes, 32
    )
    backgrounds = BackgroundAtlas.from_pictures(procedural_backgrounds(2, seed=0), 32)
    numbers = torch.arange(12)
    made, expected = (
        build_synthesiser(load_preset("reference"), icons, backgrounds, 0)
        .render(numbers % 2, numbers)
        .crops
        for icons in (atlas, alone)
    )
    assert torch.equal(made, expected)
