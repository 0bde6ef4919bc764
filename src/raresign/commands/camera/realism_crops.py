"""Real crops to measure against, and what a synthesiser needs to imitate them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from raresign.commands.data_folder import PROCEDURAL, open_data
from raresign.commands.progress import Say, silent
from raresign.crops.crop_table import CropTable
from raresign.crops.framing_facts import framing_of_pack
from raresign.crops.layouts.folder_layout import from_folders
from raresign.crops.layouts.listing import PICTURE_SUFFIXES
from raresign.crops.layouts.plain_layouts import from_files
from raresign.crops.layouts.recognise import recognised
from raresign.crops.pack import pack_crops
from raresign.errors import InputError
from raresign.files import default_cache
from raresign.framing.finder import Framing
from raresign.realism.features import FeatureSpace
from raresign.realism.folds import block_folds, even_sample
from raresign.realism.ruler import Realism, RealismRuler
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import ReferencePreset, RoadPreset
from raresign.synthesis.synthesiser import build_synthesiser

FEWEST = 50  # real crops, without which no distribution can be told
_SPLIT = 300  # crops from which on one half is fitted and the other half measures
_AT_ONCE = 256
_VARIES = 1.15  # sizes of crop files vary if their 95 % quantile is this many times the 5 % one


@dataclass(frozen=True, eq=False)
class RealCrops:
    """(N, 3, S, S) real crops in the order of their files, and their labels, all -1 or none."""

    crops: NDArray[np.uint8]
    labels: NDArray[np.int64]
    sides: NDArray[np.float64]
    """(N,) geometric mean of each file's width and height in pixels."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def labelled(self) -> bool:
        """Whether the classes are known."""
        return bool((self.labels >= 0).all())

    @property
    def sizes_vary(self) -> bool:
        """Whether files have sizes of their own, not one that all were brought to."""
        low, high = np.quantile(self.sides, [0.05, 0.95])
        return bool(high > _VARIES * low)

    def rows(self, chosen: NDArray[np.bool_]) -> RealCrops:
        """Those that are chosen."""
        return RealCrops(self.crops[chosen], self.labels[chosen], self.sides[chosen])


@dataclass(frozen=True, eq=False)
class RealismMaterial:
    """Two sets of real crops that hardly share a sign, and icons and backgrounds.

    Args:
        fitted: What ranges may be fitted to.
        measured: What realism is measured against; the same crops where there are few.
        held_out: Whether the two sets differ.
        icons, backgrounds, classes: Atlases and number of classes, to imitate them.
    """

    fitted: RealCrops
    measured: RealCrops
    held_out: bool
    icons: IconAtlas
    backgrounds: BackgroundAtlas
    classes: int

    @classmethod
    def open(
        cls,
        data: str | Path,
        crops: str | Path | None = None,
        *,
        layout: str = "auto",
        size: int = 64,
        most: int = 3000,
        cache: str | Path | None = None,
        strict: bool = False,
        framing: Framing = "found",
        say: Say = silent,
    ) -> RealismMaterial:
        """Read a data folder, or a mere folder of crop files.

        Args:
            data: Holds `classes.json` and `icons/`; or only pictures of crops, then the icons and
                backgrounds that come with the package stand in.
            crops: Where the crops are if not in `data`: in one of the layouts, or just pictures,
                whose classes are then unknown.
            layout, strict: See `open_data`.
            size: Side that crops are brought to in pixels.
            most: Real crops that are read; a larger set is thinned out, classes evenly.
            cache: Where packs of decoded crops lie.
            framing: How crops are read; as the recipe does that will use the preset.

        Raises:
            InputError: Nothing is there, or fewer crops than `FEWEST` can be read.
        """
        table, catalogue, icons, pictures = _opened(data, crops, layout, size, strict)
        known = table.labels >= 0
        # Crops of unknown signs beside labelled ones are left out: their signs cannot be imitated.
        if known.sum() >= max(FEWEST, len(table) / 2):
            table = table.filter(known)
        else:
            unknown = np.full(len(table), -1)
            table = CropTable(table.paths, unknown, table.boxes, table.class_names)
        _check_enough(len(table), data if crops is None else crops)
        chosen = np.zeros(len(table), dtype=bool)
        chosen[even_sample(table.labels, most)] = True
        folder = Path(cache) if cache else default_cache()
        pack = pack_crops(table.filter(chosen), size, folder, strict, framing=framing)
        _check_enough(len(pack), data if crops is None else crops)
        sides = [np.array(pack.table[side], np.float64) for side in ("width", "height")]
        widths, heights = np.stack(sides) * np.stack(pack.table["box"].to_numpy())[:, 2:].T
        real = RealCrops(np.array(pack.crops), np.array(pack.labels), np.sqrt(widths * heights))
        halves = block_folds(real.crops, real.labels, 2)
        fewer = min((halves == half).sum() for half in (0, 1))
        held_out = len(real) >= _SPLIT and bool(fewer >= FEWEST)
        say(
            f"{len(real)} of {len(table)} real crops"
            + (f" of {len(np.unique(real.labels))} classes" if real.labelled else ", no classes")
            + ("; one half is fitted, the other measures" if held_out else "; all fit and measure")
        )
        if framing == "found":
            say(f"framing: {framing_of_pack(pack)}")
        return cls(
            real.rows(halves == 0) if held_out else real,
            real.rows(halves == 1) if held_out else real,
            held_out,
            icons,
            BackgroundAtlas.from_pictures(pictures, size),
            len(catalogue),
        )

    def floor(self, ruler: RealismRuler) -> Realism | None:
        """Real crops against real crops; None if none were held out."""
        if not self.held_out:
            return None
        last, count = len(self.fitted) - 1, min(len(self.measured), len(self.fitted))
        spread = np.linspace(0, last, count).round().astype(np.int64)
        return ruler.floor(self.fitted.crops[spread], self.fitted.labels[spread])

    def ruler(self, space: FeatureSpace, pixels: bool, seed: int) -> RealismRuler:
        """A ruler on the measured half."""
        return RealismRuler(self.measured.crops, self.measured.labels, space, pixels, seed)

    def like_measured(self, seed: int, mix: NDArray[np.float64] | None = None) -> NDArray[np.int64]:
        """(N,) labels for as many synthetic crops as there are measured ones.

        The same classes where they are known, else drawn from `mix`, all evenly unless given.
        """
        if self.measured.labelled:
            return self.measured.labels
        rng = np.random.default_rng(seed)
        return rng.choice(self.classes, len(self.measured), p=mix).astype(np.int64)

    def render(
        self,
        preset: RoadPreset | ReferencePreset,
        labels: NDArray[np.int64],
        seed: int,
        record: bool = False,
    ) -> tuple[NDArray[np.uint8], dict[str, torch.Tensor]]:
        """(N, 3, S, S) uint8 crops of these labels, and what was drawn if it is recorded."""
        engine = build_synthesiser(preset, self.icons, self.backgrounds, seed)
        crops, params = [], []
        numbers = torch.arange(len(labels))
        for rows in numbers.split(_AT_ONCE):
            batch = engine.render(torch.from_numpy(labels)[rows], rows, record)
            crops.append(batch.crops.mul(255).round().byte().numpy())
            params.append(batch.params or {})
        joined: dict[str, torch.Tensor] = {}
        for name, like in {name: part[name] for part in params for name in part}.items():
            # What a batch did not draw did not happen.
            nothing = 0.0 if like.dtype == torch.bool else torch.nan
            values = [
                part[name].double()
                if name in part
                else torch.full((len(made), *like.shape[1:]), nothing, dtype=torch.float64)
                for part, made in zip(params, crops, strict=True)
            ]
            joined[name] = torch.cat(values)
        return np.concatenate(crops), joined


def _opened(
    data: str | Path, crops: str | Path | None, layout: str, size: int, strict: bool
) -> tuple[CropTable, SignCatalogue, IconAtlas, list[np.ndarray]]:
    """Crops, classes, icons and background photos."""
    root, place = Path(data), Path(data if crops is None else crops)
    unsaid = layout in ("auto", "reference")
    if unsaid and root.is_dir() and not (root / "classes.json").exists():
        catalogue = open_data("gost").catalogue
        icons = IconAtlas.from_catalogue(catalogue, size)
        return from_files([place]), catalogue, icons, procedural_backgrounds(PROCEDURAL, seed=0)
    if crops is not None and unsaid and _is_plain(place, layout):
        source = open_data(root, real=False)
        if not place.exists():
            raise InputError(f"{place}: there is no such folder", "give the folder of the crops")
        known = place.is_dir() and any(
            part.is_dir() and source.catalogue.label_of(part.name) >= 0 for part in place.iterdir()
        )
        table = from_folders(place, source.catalogue) if known else from_files([place])
    else:
        source = open_data(root, crops, layout, strict)
        table = source.training
    icons = IconAtlas.from_catalogue(source.catalogue, size)
    return table, source.catalogue, icons, list(source.backgrounds())


def _is_plain(place: Path, layout: str) -> bool:
    """Whether crops are just pictures, or class folders, in none of the layouts."""
    if (place / "cropped-train").is_dir():
        return False
    if not place.is_dir():
        return not place.is_file() or place.suffix.lower()[1:] in PICTURE_SUFFIXES
    return layout == "reference" or recognised(place)[0] in ("", "icons", "folders")


def _check_enough(count: int, place: str | Path) -> None:
    if count < FEWEST:
        raise InputError(
            f"{place} holds {count} crops that can be read",
            f"give at least {FEWEST}; their classes need not be known",
        )
