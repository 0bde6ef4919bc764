"""`raresign find`: the crops of a class in a folder that nobody labelled, best first."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raresign.cluster.ray_cluster import RayCluster
from raresign.commands.answer_sheet import write_csv, write_xlsx
from raresign.commands.answers_file import CHECK
from raresign.commands.boxes_file import boxed_signs, table_of
from raresign.crops.crop_table import BOX_COLUMNS
from raresign.errors import InputError
from raresign.files import whole_file, write_text
from raresign.finding.class_ranking import Candidate, ClassRanking, Order
from raresign.finding.crop_index import CropIndex, IndexCounts
from raresign.finding.index_place import index_place
from raresign.finding.pieces import Source
from raresign.language.spoken import _
from raresign.runs.loading import load
from raresign.runtime.recogniser import Recogniser

_COLUMNS = ("file", "code", "name", "score", "same sign", CHECK, "answered")
_FORMS = (".csv", ".xlsx", ".jsonl")


@dataclass(frozen=True)
class FoundCrops:
    """Crops that may show a class.

    Args:
        code, name: The class.
        candidates: Best first, one of each physical sign.
        counts: What the index holds.
        place: Where it lies.
    """

    code: str
    name: str
    candidates: tuple[Candidate, ...]
    counts: IndexCounts
    place: Path

    def rows(self) -> list[dict[str, Any]]:
        """A row a candidate, for people and files.

        `check me` waits for a person's `ok`: `add-photos --from` reads such a file.
        """
        rows = []
        for one in self.candidates:
            row: dict[str, Any] = {
                "file": one.crop.path,
                "code": self.code,
                "name": self.name,
                "score": round(one.score, 3),
                "same sign": one.count,
                CHECK: "yes",
                "answered": self.code,
            }
            if one.crop.box is not None:
                row |= dict(zip(BOX_COLUMNS, (round(s, 1) for s in one.crop.box), strict=True))
            rows.append(row)
        return rows


def find_crops(
    run: str | Path | Recogniser,
    source: Source,
    code: str,
    most: int = 50,
    *,
    order: Order = "best",
    boxes: str | Path | None = None,
    index: str | Path | None = None,
    rebuild: bool = False,
    progress: Callable[[IndexCounts], None] | None = None,
    cluster: RayCluster | None = None,
) -> FoundCrops:
    """Find the crops of a class among crops that nobody labelled.

    The source is indexed first, or what is new in it since; that may be stopped at any moment, and
    another call goes on.

    Args:
        run: The run folder, a bundle, "built-in", or what `load` made of it.
        source: A folder, searched with its sub-folders; with `boxes` the folder of the frames. Or a
            `CropTable`, or a `CropPack` of the model's size and framing.
        code: The class; it may be one that was added from its icon alone.
        most: So many candidates, at least 1.
        order: "best" first; or "informative": those of which the model cannot decide, each unlike
            the others.
        boxes: The pictures are whole frames, and this file says where their signs are; see
            `boxed_crops`. Tracks that it names tell crops of one physical sign.
        index: Where the index lies; in the cache unless given.
        rebuild: Start the index anew where it is that of another model.
        progress: Told often how far the index is.
        cluster: Reads and embeds on its machines, which see the same files.

    Raises:
        InputError: No model, no such class or folder, no picture, an index of another model.
    """
    model = run if isinstance(run, Recogniser) else load(run)
    if most < 1:
        raise InputError(_("{most} candidates").format(most=most), _("ask for at least 1"))
    label = model.catalogue.label_of(code)
    if label < 0:
        raise InputError(
            _("the model has no class '{code}'").format(code=code),
            _("add it with `raresign add-class`"),
        )
    tracks: Sequence[str] | None = None
    indexed = source
    if boxes is not None:
        if not isinstance(source, str | Path):
            raise InputError(_("boxes for crops that are cut out"), _("give a folder of frames"))
        signs = boxed_signs(boxes, [source])
        indexed, tracks = table_of(signs), [sign.track for sign in signs]
    place = Path(index) if index is not None else index_place(indexed, model)
    crops = CropIndex(place, model, rebuild)
    counts = crops.update(indexed, tracks, progress=progress, cluster=cluster)
    if not counts.embedded:
        raise InputError(
            _("{source}: no picture in it that can be read").format(source=source),
            _("name a folder that holds pictures"),
        )
    candidates = ClassRanking(crops, code).best(most, order)
    name = model.catalogue[label].title
    return FoundCrops(model.catalogue.codes[label], name, tuple(candidates), counts, place)


def save_found(path: str | Path, found: FoundCrops) -> None:
    """Write candidates as .csv, .xlsx or .jsonl, whole or not at all.

    Write `ok` into `check me`, or correct `code`, and `raresign add-photos RUN --from` reads it.

    Raises:
        InputError: Another ending.
    """
    suffix = check_found_file(path)
    rows = found.rows()
    if suffix == ".jsonl":
        write_text(path, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
        return
    boxed = any(BOX_COLUMNS[0] in row for row in rows)
    columns = [*_COLUMNS, *(BOX_COLUMNS if boxed else ())]
    with whole_file(path) as temporary:
        (write_csv if suffix == ".csv" else write_xlsx)(temporary, rows, columns)


def check_found_file(path: str | Path) -> str:
    """The ending of a file for candidates, in small letters.

    Raises:
        InputError: It says no form that is known.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMS:
        raise InputError(
            _("{path}: candidates are not written as '{suffix}'").format(path=path, suffix=suffix),
            _("end its name with {listed}").format(listed=", ".join(_FORMS)),
        )
    return suffix
