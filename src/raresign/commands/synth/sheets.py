"""`raresign synth --sheet`: what a preset makes, for people to look at."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from raresign.commands.data_folder import NO_CROPS, open_data
from raresign.commands.picture_page import Cell, Row, draw_page, rows_of
from raresign.commands.progress import Say, silent
from raresign.commands.synth.effect_strips import STEPS, examples, slider, slider_fields
from raresign.commands.synth.effect_words import how_often, unit_of
from raresign.commands.synth.engine import SynthEngine, as_bytes, one_thread, open_engine
from raresign.crops.crop_table import CropTable
from raresign.crops.decode import UnreadableFile, decode_crop
from raresign.errors import InputError
from raresign.files import whole_file, write_text
from raresign.framing.finder import read_crop
from raresign.signs.values import in_order
from raresign.synthesis.groups import GROUPS
from raresign.synthesis.preset import RoadPreset, load_preset

_EACH = 8
_CLASSES_A_PAGE = 40
_COMPARED = 20
_BLIND = 60
_BLIND_COLUMNS = 12
Pixels = npt.NDArray[np.uint8]


def synth_sheets(
    data: str | Path,
    out: str | Path,
    *,
    preset: str | Path = "road",
    size: int = 64,
    seed: int = 0,
    country: str | None = None,
    svg_text: bool = False,
    say: Say = silent,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write sheets of a preset's crops; the same call writes the same files.

    `classes-<page>.png`: icon and 8 crops of every class. `effects.png`: each effect alone, as the
    preset draws it. `effect-<group>.png`: each range of each effect from weak to strong, all else
    plain. Where DATA has real crops, `real.png`: up to 20 classes, real beside synthetic, and
    `blind.png`: real and synthetic crops shuffled; `blind-key.csv` says which is which.

    Args:
        data, preset, size, seed, country, svg_text: See `synthesise`.
        out: Folder for the sheets, which are returned; files of these names are replaced.
        say: Is told what is left out and why.
        progress: Is called with (pages drawn, pages in all).

    Raises:
        InputError: Wrong settings, or `out` is a file.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file", "name a folder for the sheets")
    engine = open_engine(data, load_preset(preset), size, seed, say, country, svg_text)
    table, photos = _real_crops(Path(data), svg_text, say)
    out.mkdir(parents=True, exist_ok=True)  # cannot be made? Told before the drawing
    pages = -(-len(engine.codes) // _CLASSES_A_PAGE)
    sheets: dict[str, Callable[[], Image.Image]] = {
        f"classes-{page + 1}.png": partial(_classes, engine, page, pages) for page in range(pages)
    }
    if isinstance(engine.preset, RoadPreset):
        sheets["effects.png"] = partial(overview, engine)
        sheets |= {f"effect-{group}.png": partial(_strips, engine, group) for group in GROUPS}
    else:
        say(f"preset {engine.preset.name} has no effects to show one by one")
    if len(table):
        sheets["real.png"] = partial(_real_beside_synthetic, engine, table, photos)
        sheets["blind.png"] = partial(_blind, engine, table, seed, photos, out / "blind-key.csv")
    with one_thread():
        for number, (name, draw) in enumerate(sheets.items(), 1):
            page = draw()
            with whole_file(out / name) as temporary:
                page.save(temporary, optimize=True)
            if progress:
                progress(number, len(sheets))
    names = [*sheets, "blind-key.csv"] if len(table) else [*sheets]
    return [out / name for name in names]


def _real_crops(data: Path, svg_text: bool, say: Say) -> tuple[CropTable, str]:
    """Real training crops of known classes, none if there are none; what to call them."""
    if not (data / "cropped-train").is_dir():
        say(f"{data} has no cropped-train: no sheet beside real crops, no blind sheet")
        return NO_CROPS, "real crops"
    source = open_data(data, svg_text=svg_text)
    known = source.training.filter(source.training.labels >= 0)
    return known, "simulated photos" if source.simulated else "real crops"


def _classes(engine: SynthEngine, page: int, pages: int) -> Image.Image:
    first = page * _CLASSES_A_PAGE
    every = sorted(range(len(engine.codes)), key=lambda label: in_order(engine.codes[label]))
    labels = every[first : first + _CLASSES_A_PAGE]
    crops = _crops(engine, [label for label in labels for _ in range(_EACH)])
    rows = [
        Row(engine.codes[label], [Cell(_icon(engine, label)), *map(Cell, crops[k : k + _EACH])])
        for k, label in zip(range(0, len(crops), _EACH), labels, strict=True)
    ]
    title = f"Classes, page {page + 1} of {pages}"
    return draw_page(title, _made_by(engine), rows, 2, [(0, "icon"), (1, "crops")])


def overview(engine: SynthEngine) -> Image.Image:
    """A row for each effect of the engine's preset: its name, how often it is, and examples."""
    assert isinstance(engine.preset, RoadPreset)
    group_of = {name: group for group, names in GROUPS.items() for name in names}
    rows = []
    for name, effect in engine.preset.effects().items():
        without, with_it = examples(engine, name, _EACH)
        cells = [Cell(without[0]), *map(Cell, with_it)]
        rows.append(Row(name, cells, f"{group_of[name]}, {how_often(effect)}"))
    headings = [(0, "without"), (1, "with, as drawn")]
    note = f"Each effect alone, as it is drawn where it happens. {_made_by(engine)}"
    return draw_page("Effects", note, rows, 2, headings)


def _strips(engine: SynthEngine, group: str) -> Image.Image:
    assert isinstance(engine.preset, RoadPreset)
    rows = []
    for name in GROUPS[group]:
        effect = engine.preset.effects()[name]
        for field in slider_fields(effect):
            crops, values = slider(engine, name, field)
            captions = [f"{round(value, 6):.3g}" for value in values]
            cells = list(map(Cell, crops, captions))
            note = ", ".join(filter(None, (unit_of(type(effect), field), how_often(effect))))
            rows.append(Row(f"{name}.{field}", cells, note))
    if not rows:  # every range is a single value
        for name in GROUPS[group]:
            rows.append(Row(name, list(map(Cell, examples(engine, name, STEPS)[1]))))
    note = f"Each range from its low to its high end, all else plain. {_made_by(engine)}"
    return draw_page(f"Effects: {group}", note, rows, 2 if len(rows) > 10 else 1)


def _real_beside_synthetic(engine: SynthEngine, table: CropTable, photos: str) -> Image.Image:
    labels = np.unique(table.labels).tolist()
    present = np.array(sorted(labels, key=lambda label: in_order(engine.codes[label])))
    chosen = present[np.unique(np.arange(_COMPARED) * len(present) // _COMPARED)]
    rows = []
    for label in chosen.tolist():
        places = np.flatnonzero(table.labels == label)
        spread = places[np.unique(np.arange(_EACH) * len(places) // _EACH)]
        real = [Cell(crop) for _, crop in _decoded(engine, table, spread)]
        real += [Cell(None)] * (_EACH - len(real))
        synthetic = map(Cell, _crops(engine, [label] * _EACH))
        rows.append(Row(engine.codes[label], [*real, Cell(None), *synthetic]))
    headings = [(0, photos), (_EACH + 1, "synthetic")]
    return draw_page(f"{photos.capitalize()} and synthetic", _made_by(engine), rows, 1, headings)


def _blind(
    engine: SynthEngine, table: CropTable, seed: int, photos: str, key_file: Path
) -> Image.Image:
    """As many real as synthetic crops, of the same classes; writes the key."""
    rng = np.random.default_rng(seed)
    real = list(islice(_decoded(engine, table, rng.permutation(len(table))), _BLIND))
    labels = [label for label, _ in real]
    synthetic = zip(labels, _crops(engine, labels, first=1_000_000), strict=True)
    kind = photos.removesuffix(" crops").removesuffix("s")  # "real" or "simulated photo"
    shown = [(kind, *pair) for pair in real] + [("synthetic", *pair) for pair in synthetic]
    shuffled = [shown[place] for place in rng.permutation(len(shown))]
    cells = [Cell(_twice(crop), str(k + 1)) for k, (_, _, crop) in enumerate(shuffled)]
    rows = rows_of(cells, _BLIND_COLUMNS)
    count = len(real)
    note = f"{count} {photos} and {count} synthetic crops. Which is which? See blind-key.csv."
    key = io.StringIO()
    table_of_key = csv.writer(key, lineterminator="\n")
    table_of_key.writerow(["number", "kind", "class"])
    for k, (which, label, _) in enumerate(shuffled):
        table_of_key.writerow([k + 1, which, engine.codes[label]])
    write_text(key_file, key.getvalue())
    return draw_page(f"{kind.capitalize()} or synthetic?", note, rows)


def _crops(engine: SynthEngine, labels: list[int], first: int = 0) -> Pixels:
    """Crops of these labels, numbered from `first` on; a class's crops differ."""
    wanted = torch.tensor(labels)
    numbers = torch.arange(len(labels)) + first + wanted * 10_000_000
    return as_bytes(engine.synthesiser().render(wanted, numbers).crops)


def _decoded(
    engine: SynthEngine, table: CropTable, places: npt.NDArray[np.int64]
) -> Iterator[tuple[int, Pixels]]:
    """Label and pixels of real crops, framed and squashed; unreadable ones are left out."""
    for place in places.tolist():
        box = table.boxes[place] if table.boxes is not None else None
        try:
            picture = decode_crop(table.paths[place], box)
        except UnreadableFile:
            continue
        crop = read_crop(picture, engine.icons.size, "found")
        yield int(table.labels[place]), crop.transpose(1, 2, 0)


def _icon(engine: SynthEngine, label: int) -> Pixels:
    """The first icon of a class on the page's grey."""
    size = engine.icons.size
    icon = engine.icons.icon(int(engine.icons.first[label]), size)
    return cast(Pixels, as_bytes((icon[:3] + (1 - icon[3:]) * 0.92)[None].clamp(0, 1))[0])


def _twice(crop: Pixels) -> Pixels:
    """A small crop at twice its size, for the eye."""
    side = 2 * len(crop)
    if side > 192:
        return crop
    return np.asarray(Image.fromarray(crop).resize((side, side), Image.Resampling.BICUBIC))


def _made_by(engine: SynthEngine) -> str:
    return f"Preset {engine.preset.name}, {engine.icons.size} px, seed {engine.seed}."
