"""What all pages of a studio share: the run, the model, the store, and who is asking."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raresign.language.spoken import _
from raresign.service.guard import KEY
from raresign.service.served_model import ServedModel
from raresign.studio.action import Action
from raresign.studio.store import Store
from raresign.studio.workshop import Workshop

if TYPE_CHECKING:
    from starlette.requests import Request

    from raresign.runtime.recogniser import Recogniser

Reverse = Callable[[Action], None]
"""Takes back what an action did outside of the store."""
Words = Callable[[Action], str]
"""Says what an action did, in the language spoken: "crop.png is 2.5 now"."""


@dataclass(eq=False)
class Workplace:
    """One studio.

    Args:
        run: As `raresign.load` takes it.
        store: What people did.
        files: Folder for pictures and whatever else the pages keep; made when first needed.
        language: "en" or "ru"; None goes by the browser.
    """

    run: str
    store: Store
    files: Path
    language: str | None = None
    endings: list[Callable[[], None]] = field(default_factory=list)
    """Called when the studio ends: pages stop their threads and processes."""
    workshop: Workshop = field(default_factory=Workshop)
    _known: dict[str, tuple[Words, Reverse]] = field(default_factory=dict)
    _loading: threading.Lock = field(default_factory=threading.Lock)
    _model: ServedModel | None = None

    @property
    def name(self) -> str:
        """What the run is called, for people."""
        return Path(self.run).resolve().name if Path(self.run).exists() else self.run

    @property
    def model(self) -> ServedModel:
        """The model; loaded when it is first asked for, exchanged when it changes on the disk.

        Raises:
            InputError: There is none, or it is damaged.
        """
        with self._loading:
            if self._model is None:
                self._model = ServedModel(self.run, self.workshop.add)
            return self._model

    @property
    def recogniser(self) -> Recogniser:
        """What answers at this moment; hold it for the length of one request only."""
        return self.model.current.recogniser

    @property
    def is_loaded(self) -> bool:
        """Whether the model is there without waiting."""
        return self._model is not None

    @property
    def can_change(self) -> bool:
        """Whether signs can be added here: a run folder, which a bundle is not."""
        return Path(self.run).is_dir()

    def know(self, kind: str, words: Words, reverse: Reverse = lambda action: None) -> None:
        """Say how actions of a kind are told, and taken back where they did more than is noted."""
        self._known[kind] = words, reverse

    def told(self, action: Action) -> str:
        """What an action did, in the language spoken."""
        first, backwards = self._first(action)
        known = self._known.get(first.kind)
        what = known[0](first) if known else f"{first.kind}: {first.subject}"
        if first is action:
            return what
        return (_("Taken back: {what}") if backwards else _("Done again: {what}")).format(what=what)

    def took_back(self, action: Action) -> bool:
        """Whether an action took another one back, and not that taking back in its turn."""
        return self._first(action)[1]

    def _first(self, action: Action) -> tuple[Action, bool]:
        """The action that was taken back, done again and so on, and whether it is taken back."""
        backwards = False
        while action.undoes is not None:
            action, backwards = self.store.action(action.undoes), not backwards
        return action, backwards

    def undo(self, number: int, who: str) -> Action:
        """Take an action back, and what it did outside of the store.

        To take back what took an action back is to do that action again.

        Raises:
            OutdatedError: See `Store.undo`.
        """
        kind = self.store.action(number).kind
        reverse = self._known[kind][1] if kind in self._known else lambda action: None
        return self.store.undo(number, who, reverse)

    @cached_property
    def _user(self) -> str:
        try:
            return getpass.getuser()
        except (OSError, KeyError, ImportError):
            return "?"

    def who(self, request: Request) -> str:
        """Who asks: the name of a key, or the user of this machine."""
        key: Any = request.scope.get(KEY)
        return key.name if key is not None else self._user


def workplace_of(request: Request) -> Workplace:
    """The studio that a request came to."""
    found: Workplace = request.app.state.workplace
    return found
