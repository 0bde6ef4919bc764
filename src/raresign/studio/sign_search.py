"""Looking up signs of the studio's model, by words or by a picture."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import raresign
from raresign.language.spoken import _
from raresign.studio.workplace import Workplace

_KINDS = (".png", ".svg", ".jpg", ".jpeg")
_MOST_BYTES = 8_000_000


class SignSearch:
    """Look-up in the model as it is now.

    Args:
        here: The studio.
    """

    def __init__(self, here: Workplace) -> None:
        self._here = here
        self._lock = threading.Lock()
        self._made: tuple[object, raresign.SignLookup] | None = None

    def by_words(self, words: str) -> list[raresign.FoundSign]:
        """The signs that fit, see `SignLookup.by_words`."""
        return self._lookup().by_words(words, 24)

    def by_icon(self, content: bytes, name: str) -> list[raresign.FoundSign]:
        """The signs that look most like a picture.

        Raises:
            InputError: It is no picture of a sign.
        """
        kind = Path(name).suffix.lower()
        if kind not in _KINDS or len(content) > _MOST_BYTES:
            raise raresign.InputError(
                _("{name} is no icon that can be looked up").format(name=name[:100]),
                _("give a PNG, SVG or JPEG of the sign"),
            )
        with TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = Path(folder) / f"icon{kind}"
            file.write_bytes(content)
            return self._lookup().by_icon(raresign.load_icon(file))

    def _lookup(self) -> raresign.SignLookup:
        catalogue = self._here.recogniser.catalogue
        with self._lock:
            if self._made is None or self._made[0] is not catalogue:
                self._made = catalogue, raresign.SignLookup(catalogue)
            return self._made[1]
