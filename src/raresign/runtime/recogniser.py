"""Pictures in, answers out: an encoder, the head of a run and its catalogue."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Protocol, overload

import numpy as np
from PIL import Image

from raresign.answers.answer import SURE, FileAnswer, file_answers
from raresign.answers.head import Head
from raresign.answers.recognition import Recognition
from raresign.crops.crop_table import CropTable
from raresign.crops.decode import MAX_PIXELS, UnreadableFile, cut_box
from raresign.crops.squashing import CONTEXT, squashed_chunks
from raresign.errors import InputError
from raresign.framing.finder import Finder, Framing, read_crop
from raresign.runtime.pictures import is_picture, rgb_picture
from raresign.runtime.squashed_pictures import Size, squashed_in_threads
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

BATCH = 256
"""Crops that are held and answered together."""


class Encoder(Protocol):
    """Crops in, embeddings out: the trained net (`TorchEncoder`) or `OnnxEncoder`."""

    @property
    def crop_size(self) -> int:
        """S, side of the crops in pixels."""

    @property
    def digest(self) -> str:
        """Names the net by what it holds."""

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """(N, E) float32 embeddings, before the ReLU, of (N, 3, S, S) uint8 crops."""


@dataclass(frozen=True, eq=False)
class Recogniser:
    """A trained run, ready to answer; `raresign.load` makes it.

    Attributes:
        encoder: Computes embeddings.
        head: Turns them into answers.
        catalogue: The classes, added ones last, in the order of the head's rows.
        framing: How a picture becomes a crop: `found` cuts it to the sign that is found in it.
        finder: What finds it; this version's own finder if None.
    """

    encoder: Encoder
    head: Head
    catalogue: SignCatalogue
    framing: Framing = "whole"
    finder: Finder | None = None

    def recognise(self, crops: np.ndarray) -> Recognition:
        """Answers in arrays for crops, (N, 3, S, S) uint8 of the encoder's size, framed already."""
        return self.head.judge(self.encoder.embed(crops))

    def accepting(self, probability: float) -> Recogniser:
        """The recogniser that names a crop where its class has at least this probability.

        `model.accepting(0.9)`, or `model.accepting(0)` to name every crop; see `Head.accepting`.

        Raises:
            InputError: It is not in [0, 1].
        """
        return replace(self, head=self.head.accepting(probability))

    def cautious(self, probability: float | Mapping[str, float] = SURE) -> Recogniser:
        """The recogniser that names a crop only where it would and this probability is reached.

        `model.cautious()` asks for 0.9: fewer crops are named, and more of those rightly.
        `model.cautious({"3.24.n60": 0.97})` asks of some classes alone.

        Raises:
            InputError: It is not in [0, 1], or a code is none of the classes'.
        """
        if isinstance(probability, Mapping):
            least = np.zeros(len(self.catalogue))
            for code, asked in probability.items():
                least[self._label(code)] = asked
            return replace(self, head=self.head.cautious(least))
        return replace(self, head=self.head.cautious(probability))

    def allowing(self, codes: Collection[str]) -> Recogniser:
        """The recogniser that answers with these classes alone, as if it knew no others.

        An answer says in `excluded` what the crop looks like, where that is not allowed.

        Raises:
            InputError: A code is none of the classes', or there is none.
        """
        allowed = np.zeros(len(self.catalogue), bool)
        allowed[[self._label(code) for code in codes]] = True
        return replace(self, head=self.head.allowing(allowed))

    def _label(self, code: str) -> int:
        if (label := self.catalogue.label_of(code)) < 0:
            raise InputError(f"the model has no class '{code}'", "raresign predict shows codes")
        return label

    @overload
    def answer(self, images: str | os.PathLike[str] | bytes, top: int = 5) -> FileAnswer: ...
    @overload
    def answer(self, images: Image.Image | np.ndarray, top: int = 5) -> FileAnswer: ...
    @overload
    def answer(self, images: list[Any] | tuple[Any, ...], top: int = 5) -> list[FileAnswer]: ...
    @overload
    def answer(self, images: Iterator[Any], top: int = 5) -> Iterator[FileAnswer]: ...
    @overload
    def answer(self, images: Any, top: int = 5) -> Any: ...

    def answer(self, images: Any, top: int = 5) -> Any:
        """The most probable signs of one picture, or of many.

        A picture is a path, the bytes of a picture file, a Pillow picture, a NumPy array, (H, W, 3)
        RGB or (H, W) grey, uint8; or a PyTorch tensor, (3, H, W) or (H, W, 3), uint8 or floats in
        [0, 1]. It shows one sign, cut out of its photo, of any size.

        Args:
            images: One picture, a list of pictures, or an iterator of them.
            top: Answers a picture.

        Returns:
            One answer, a list, or an iterator, in the order given. A file that cannot be read is an
            answer with its error. Of an iterator only some pictures are held at a time.

        Raises:
            InputError: Something that is no picture, or `top` below 1.
        """
        _check_top(top)
        if is_picture(images):
            return next(self.answer_sized([images], top))[0]
        if not isinstance(images, Iterable):
            rgb_picture(images)  # tells what is wrong
        answers = (answer for answer, _ in self.answer_sized(images, top))
        return list(answers) if isinstance(images, list | tuple) else answers

    def answer_sized(
        self, images: Iterable[Any], top: int = 5
    ) -> Iterator[tuple[FileAnswer, Size]]:
        """`answer` of several pictures, each with its width and height; 0, 0 if it has an error."""
        _check_top(top)
        side = self.encoder.crop_size
        squashed = squashed_in_threads(images, side, self.framing, self.finder, BATCH)
        while batch := list(islice(squashed, BATCH)):
            told = self.answer_read([crop for _, crop, _ in batch], top)
            for (path, _, size), answer in zip(batch, told, strict=True):
                yield replace(answer, path=path) if path else answer, size

    def read(
        self,
        image: Any,
        boxes: Sequence[Sequence[float]] | None = None,
        most_pixels: int = MAX_PIXELS,
    ) -> list[np.ndarray | str]:
        """The crops of one picture as the encoder reads them, for `answer_read`.

        Reading and answering apart, as a service needs: reading runs in several threads, and crops
        of many pictures are answered together.

        Args:
            image: One picture of any kind that `answer` takes.
            boxes: x0, y0, x1, y1 in pixels of each sign in it; unless given, the picture is one
                sign, cut out.
            most_pixels: A file or bytes with more of them are refused before they are decoded.

        Returns:
            For each box, or for the picture, (3, S, S) uint8, or why it cannot be read.

        Raises:
            InputError: Something that is no picture.
        """
        more = 0.0 if self.framing == "whole" else CONTEXT
        wanted: list[Sequence[float] | None] = [None] if boxes is None else [*boxes]
        found: list[np.ndarray | str] = []
        with ExitStack() as held:
            try:
                picture = rgb_picture(image, held, most_pixels)
            except UnreadableFile as error:
                return [error.reason] * len(wanted)
            for box in wanted:
                if box is not None and not (box[0] < box[2] and box[1] < box[3]):
                    found.append(f"the box {[*box]} is empty")
                    continue
                try:
                    crop = cut_box(picture, box, "", more)
                except UnreadableFile as error:
                    found.append(error.reason)
                else:
                    size = self.encoder.crop_size
                    found.append(read_crop(crop, size, self.framing, self.finder))
        return found

    def answer_read(self, crops: Sequence[np.ndarray | str], top: int = 5) -> list[FileAnswer]:
        """The most probable signs of crops that `read` gave, answered together.

        Args:
            crops: Each (3, S, S) uint8, or why it could not be read: its answer is that error.
            top: Answers a crop.
        """
        whole = [crop for crop in crops if not isinstance(crop, str)]
        said = self.recognise(np.stack(whole)) if whole else None
        told = iter(file_answers([""] * len(whole), said, self.catalogue, top) if said else [])
        return [FileAnswer("", (), one) if isinstance(one, str) else next(told) for one in crops]

    def answer_crops(self, table: CropTable, top: int = 5) -> Iterator[FileAnswer]:
        """The most probable signs of the rows of a table, cut out of their frames where it says so.

        Args:
            table: Its labels do not matter.
            top: Answers a row.

        Yields:
            One answer a row, in their order; a row that cannot be read is one with its error.

        Raises:
            InputError: `top` below 1.
        """
        _check_top(top)
        first = 0
        for chunk in squashed_chunks(table, self.encoder.crop_size, self.framing, self.finder):
            paths = {row: str(table.paths[row]) for row in range(first, first + chunk.count)}
            found = {row: FileAnswer(paths[row], (), why) for row, why in chunk.refused}
            if chunk.rows:
                said = self.recognise(chunk.crops)
                given = file_answers([paths[row] for row in chunk.rows], said, self.catalogue, top)
                found |= zip(chunk.rows, given, strict=True)
            for row in paths:
                box = None if table.boxes is None else tuple(table.boxes[row].tolist())
                if box is not None and box[0] != box[0]:  # NaN: a whole picture
                    box = None
                yield replace(found[row], box=box)
            first += chunk.count


def _check_top(top: int) -> None:
    if top < 1:
        raise InputError(f"{top} answers a picture", "ask for at least 1")
