"""A large pile of crops, embedded once: what `find` ranks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from raresign.cluster.ray_cluster import RayCluster
from raresign.crops.crop_table import CropTable
from raresign.crops.squashing import squashed_chunks
from raresign.errors import InputError
from raresign.finding.index_place import encoder_digest
from raresign.finding.index_store import EMBEDDED, GONE, WAITING, Embedded, IndexStore
from raresign.finding.looks import looks_of
from raresign.finding.pieces import PACKED, Piece, Source, is_pack, pieces_of
from raresign.finding.vectors import Rows
from raresign.language.spoken import _, later
from raresign.runs.run_lock import run_lock
from raresign.runtime.recogniser import Recogniser

if TYPE_CHECKING:
    from raresign.crops.pack import CropPack

_BATCH = 256  # crops that are kept together; a killed process loses these at most
_NOTED = 5000  # crops that are noted in one transaction
_ASKED = 4096  # crops whose pictures are read in one go
_ODD = later("its embedding is not finite")

_Waiting = Sequence[tuple[int, Piece]]
_Batch = tuple[list[int], npt.NDArray[np.uint8], list[str], list[tuple[int, str]]]
_Done = tuple[list[Embedded], npt.NDArray[np.float32], list[tuple[int, str]]]


@dataclass(frozen=True)
class IndexCounts:
    """How far an index is.

    Args:
        embedded: Crops that can be found.
        waiting: Crops that are noted and not embedded yet.
        gone: Crops whose files have vanished; they are not shown, and come back with their files.
        unreadable: Reason -> crops that cannot be read.
        listed: Crops seen so far by a look at the source that has not ended; 0 otherwise.
    """

    embedded: int
    waiting: int
    gone: int
    unreadable: Mapping[str, int] = field(default_factory=dict)
    listed: int = 0

    @property
    def broken(self) -> int:
        """Crops that cannot be read."""
        return sum(self.unreadable.values())


@dataclass(frozen=True)
class IndexedCrop:
    """A crop of an index.

    Args:
        row: Its row; it stays the same as long as the crop's file does.
        path: Its picture.
        box: x0, y0, x1, y1 in pixels of the upright picture; None for the whole.
        track: Name of the track of one physical sign; "" where none is known.
        digest: Names what its file holds.
        look: 64 bits, of which near-identical pictures share most.
        pack_row: Its row in a pack; None for a picture.
    """

    row: int
    path: str
    box: tuple[float, float, float, float] | None
    track: str
    digest: str
    look: int
    pack_row: int | None = None

    @property
    def part(self) -> str:
        """Which part of its picture it is, see `Piece`."""
        if self.pack_row is not None:
            return f"{PACKED}{self.pack_row}"
        return "" if self.box is None else ",".join(f"{side:.12g}" for side in self.box)


class CropIndex:
    """Embeddings of crops that nobody labelled, on the disk, and what each crop is.

    Args:
        place: The folder of the index, made if missing. See `index_place`.
        model: What embeds; an index belongs to one encoder, so classes may come and go.
        rebuild: Start anew where the index is that of another encoder.

    Raises:
        InputError: The index was made with another encoder, or is damaged.

    Example:
        >>> import raresign, tempfile
        >>> from PIL import Image
        >>> crops = Path(tempfile.mkdtemp())
        >>> Image.new("RGB", (40, 40), (200, 20, 30)).save(crops / "a.png")
        >>> _ = (crops / "b.png").write_bytes(b"no picture")
        >>> index = CropIndex(crops / ".index", raresign.load())
        >>> counts = index.update(crops)
        >>> counts.embedded, counts.broken, [crop.path[-5:] for crop in index.crops([0])]
        (1, 1, ['a.png'])
    """

    def __init__(self, place: str | Path, model: Recogniser, rebuild: bool = False) -> None:
        self.place = Path(place)
        self.model = model
        width = model.head.rows.shape[1]
        self._store = IndexStore(self.place, encoder_digest(model), width, rebuild)

    def update(
        self,
        source: Source,
        tracks: Sequence[str] | None = None,
        *,
        progress: Callable[[IndexCounts], None] | None = None,
        stopped: Callable[[], bool] | None = None,
        cluster: RayCluster | None = None,
    ) -> IndexCounts:
        """Make the index that of a source as it is now: new crops are embedded, lost ones marked.

        It may be stopped, or killed, at any moment; another call goes on. Crops whose files did not
        change since are not read again. One process at a time updates an index; others wait.

        Args:
            source: A folder, with its sub-folders; rows of a table; or a pack of the model's size
                and framing.
            tracks: Of a table: name of the track of each row, which tells crops of one sign.
            progress: Told often how far it is.
            stopped: Asked often; true ends it, and what waits stays waiting.
            cluster: Reads and embeds on its machines, which see the same files.

        Returns:
            How far it is: nothing waits if it was not stopped.

        Raises:
            InputError: There is no such folder, a pack of another size, or a full disk.
        """
        if is_pack(source):
            self._check_pack(source)
        halted = stopped or (lambda: False)
        try:
            with run_lock(self.place):
                if self._scan(pieces_of(source, tracks), progress, halted):
                    pack = source if is_pack(source) else None
                    self._embed(pack, progress, halted, cluster)
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                _("the index in {place} cannot be written: {why}").format(
                    place=self.place, why=error
                ),
                _("free space there, or give another folder with --index"),
            ) from error
        return self.counts()

    def _scan(
        self,
        pieces: Iterator[Piece],
        progress: Callable[[IndexCounts], None] | None,
        stopped: Callable[[], bool],
    ) -> bool:
        """Note what is there; whether it was not stopped."""
        scan = self._store.begin_scan()
        listed, some = 0, []
        for piece in pieces:
            some.append(piece)
            if len(some) == _NOTED:
                self._store.note(scan, some)
                listed += len(some)
                some = []
                if progress is not None:
                    progress(self.counts(listed))
                if stopped():
                    return False
        self._store.note(scan, some)
        self._store.end_scan(scan)
        return True

    def _embed(
        self,
        pack: CropPack | None,
        progress: Callable[[IndexCounts], None] | None,
        stopped: Callable[[], bool],
        cluster: RayCluster | None,
    ) -> None:
        """Embed what waits, batch by batch."""
        while waiting := self._store.waiting(_ASKED):
            for kept, embeddings, refused in self._embedded(waiting, pack, cluster):
                self._store.embedded(kept, embeddings)
                self._store.refused(refused)
                if progress is not None:
                    progress(self.counts())
                if stopped():
                    return

    def _embedded(
        self, waiting: _Waiting, pack: CropPack | None, cluster: RayCluster | None
    ) -> Iterator[_Done]:
        """What becomes of those that wait, batch by batch."""
        if cluster is None or pack is not None:
            for batch in self._read(waiting, pack):
                yield _embed(self.model, batch)
            return
        parts = [waiting[first : first + _BATCH] for first in range(0, len(waiting), _BATCH)]
        for some in cluster.map(_embed_files, self.model, parts):
            yield from some

    def _read(self, waiting: _Waiting, pack: CropPack | None) -> Iterator[_Batch]:
        """Numbers, crops and digests of those that can be read, and why others cannot."""
        ids = [number for number, _piece in waiting]
        if pack is not None:
            hashes = pack.table["hash"]
            for first in range(0, len(waiting), _BATCH):
                some = waiting[first : first + _BATCH]
                rows = [int(piece.part.removeprefix(PACKED)) for _number, piece in some]
                digests = [str(hashes[row]) for row in rows]
                yield ids[first : first + _BATCH], np.asarray(pack.crops[rows]), digests, []
            return
        yield from _read_files(self.model, waiting)

    def _check_pack(self, pack: CropPack) -> None:
        size = self.model.encoder.crop_size
        if pack.crops.shape[-1] != size:
            raise InputError(
                _("a pack of crops of {given} pixels for a model of {size}").format(
                    given=pack.crops.shape[-1], size=size
                ),
                _("pack them at the model's size, or index their folder"),
            )

    def counts(self, listed: int = 0) -> IndexCounts:
        """How far the index is."""
        states = self._store.states()
        return IndexCounts(
            states.get(EMBEDDED, 0),
            states.get(WAITING, 0),
            states.get(GONE, 0),
            self._store.reasons(),
            listed,
        )

    def rows(self) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """The (N,) rows of embeddings, memory-mapped, and (N,) bool, which crops are there now."""
        return self._store.rows()

    def crops(self, rows: Sequence[int]) -> list[IndexedCrop]:
        """What the crops of some rows are; one whose file was changed meanwhile is left out."""
        found = self._store.crops(rows)
        return [_indexed(row, *found[row]) for row in map(int, rows) if row in found]

    def row_of(self, path: str | Path, part: str = "") -> int | None:
        """The row of a crop, by its picture and the part of it; None if it is not there now."""
        return self._store.row_of(os.fspath(path), part)


def _read_files(model: Recogniser, waiting: _Waiting) -> Iterator[_Batch]:
    """The same of pictures."""
    ids = [number for number, _piece in waiting]
    boxes = np.array([piece.box or (np.nan,) * 4 for _number, piece in waiting])
    table = CropTable(
        tuple(Path(piece.path) for _number, piece in waiting),
        np.full(len(waiting), -1),
        boxes,
        ("",) * len(waiting),
    )
    start = 0
    held: tuple[list[int], list[np.ndarray], list[str], list[tuple[int, str]]] = [], [], [], []
    size = model.encoder.crop_size
    for chunk in squashed_chunks(table, size, model.framing, model.finder):
        held[0].extend(ids[row] for row in chunk.rows)
        held[1].append(chunk.crops)
        held[2].extend(chunk.hashes)
        held[3].extend((ids[row], why) for row, why in chunk.refused)
        start += chunk.count
        if len(held[0]) + len(held[3]) >= _BATCH or start == len(waiting):
            yield held[0], np.concatenate(held[1]), held[2], held[3]
            held = [], [], [], []


def _embed(model: Recogniser, batch: _Batch) -> _Done:
    """What of a batch has an embedding, the embeddings, and why others have none."""
    ids, crops, digests, refused = batch
    embeddings = model.encoder.embed(crops)
    sound = np.isfinite(embeddings).all(1)
    read = list(zip(ids, digests, looks_of(crops), sound.tolist(), strict=True))
    kept = [Embedded(number, digest, look) for number, digest, look, ok in read if ok]
    odd = [(number, _ODD) for number, _digest, _look, ok in read if not ok]
    return kept, embeddings[sound], [*refused, *odd]


def _embed_files(model: Recogniser, waiting: _Waiting) -> list[_Done]:
    """In a process of a cluster: what becomes of some that wait."""
    return [_embed(model, batch) for batch in _read_files(model, waiting)]


def _indexed(row: int, piece: Piece, digest: str, look: int) -> IndexedCrop:
    packed = piece.part.startswith(PACKED)
    number = int(piece.part.removeprefix(PACKED)) if packed else None
    return IndexedCrop(row, piece.path, piece.box, piece.track, digest, look, number)
