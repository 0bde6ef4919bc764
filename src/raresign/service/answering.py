"""From pictures of a request to typed answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raresign.service.batching import Batcher, Crop, QueueFullError, StoppingError
from raresign.service.ending import ended
from raresign.service.figures import Figures
from raresign.service.refusal import Refused, too_many
from raresign.service.served_model import Loaded, ServedModel
from raresign.service.settings import Settings

Boxes = Sequence[Sequence[float]] | None


@dataclass(frozen=True, eq=False)
class Answering:
    """All that answers a request.

    Args:
        settings: Limits.
        model: What answers.
        batcher: Brings crops of several requests together.
        figures: Counts.
    """

    settings: Settings
    model: ServedModel
    batcher: Batcher
    figures: Figures

    async def crops(
        self, pictures: Sequence[bytes], boxes: Sequence[Boxes], top: int
    ) -> tuple[Loaded, list[dict[str, Any]]]:
        """Answer pictures: the model that did, and a `CropAnswer` a crop as plain values.

        Args:
            pictures: Picture files.
            boxes: For each its boxes; None where it is one sign, cut out.
            top: Guesses a crop.

        Raises:
            Refused: Too many crops, too many that wait, or no time left.
        """
        places = [
            (number, box)
            for number, several in enumerate(boxes)
            for box in ([None] if several is None else several)
        ]
        most = self.settings.most_crops
        if len(places) > most:
            raise Refused(413, f"{len(places)} crops in one request", f"send at most {most}")
        loaded = self.model.current
        recogniser = loaded.recogniser
        pixels = self.settings.most_pixels

        def read() -> list[Crop]:
            found: list[Crop] = []
            for picture, several in zip(pictures, boxes, strict=True):
                found += recogniser.read(picture, several, pixels)
            return found

        try:
            coming = self.batcher.submit(recogniser, read, len(places), top)
        except QueueFullError:
            raise too_many("crops") from None
        except StoppingError:
            raise Refused(503, "the service is being stopped", "ask another one") from None
        told = await ended(coming, self.settings.answer_seconds)
        if told is None:
            hint = "send fewer or smaller pictures, or try again later"
            raise Refused(504, f"no answer in {self.settings.answer_seconds:g} s", hint)
        self.figures.answered([one.level for one in told], self.batcher.waiting)
        answers = [
            _plain(one, number, box, top) for one, (number, box) in zip(told, places, strict=True)
        ]
        return loaded, answers


def _plain(one: Any, picture: int, box: Sequence[float] | None, top: int) -> dict[str, Any]:
    """The fields of a `CropAnswer`: our own values need no check, and a model costs ten times that.

    An answer whose picture could not be read has no guesses, and says why.
    """
    guesses = [
        {
            "code": each.code,
            "name": each.name,
            "probability": each.probability,
            "family": each.family,
        }
        for each in one.answers[:top]
    ]
    return {
        "picture": picture,
        "box": None if box is None else [*box],
        "answer": one.answer,
        "level": one.level,
        "known": one.known,
        "family": one.family,
        "answers": guesses,
        "check_me": one.check_me,
        "error": one.error,
    }
