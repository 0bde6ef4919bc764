"""The run folder: what a training leaves, written whole after every stage."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raresign.bundles.bundle import is_bundle
from raresign.errors import InputError
from raresign.files import sweep, write_json
from raresign.framing.finder import Framing
from raresign.language.spoken import _
from raresign.models.built_in_files import is_built_in
from raresign.models.saved_rows import WEIGHTS_FILE
from raresign.runs.added_classes import AddedFolder, read_added
from raresign.runs.exchange import STAGING, exchange, is_moving
from raresign.runs.presets import keep_presets
from raresign.runs.run_info import RunInfo, read_info
from raresign.runs.run_lock import run_lock
from raresign.runs.run_recogniser import read_recogniser
from raresign.runs.saved_settings import saved_framing
from raresign.runs.snapshot import Seen, settle
from raresign.runtime.recogniser import Encoder, Recogniser
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.storage.local_copy import local_copy
from raresign.storage.places import as_path, url_of

if TYPE_CHECKING:
    from raresign.models.sign_net import SignNet
    from raresign.training.fit import StageResult


RUN_FILE = "run.json"
"""What makes a folder a run."""
_TRIES = 100


class RunFolder:
    """A run folder; each of its files is read once, when it is first asked for.

    Args:
        path: The folder.
        info: The content of run.json.
    """

    def __init__(self, path: Path, info: dict[str, Any], seen: Seen | None = None) -> None:
        self.path = path
        self.info = info
        self._seen = seen  # what the files were when it was opened; None if nobody changes them

    @staticmethod
    def check_free(path: Path) -> None:
        """Make sure that a run can start in `path`.

        Raises:
            InputError: `path` already holds a run, or other files.
        """
        if (path / RUN_FILE).exists() or is_moving(path):
            raise InputError(
                _("{path} already holds a run").format(path=path),
                _("add --resume or name another folder"),
            )
        if path.is_dir() and all(place.name in STAGING for place in path.iterdir()):
            return  # empty, or what a process left that was killed while it made a run
        if path.exists() or path.is_symlink():
            raise InputError(
                _("{path} exists and is not empty").format(path=path),
                _("name a new folder with --out"),
            )

    @staticmethod
    def check_here(path: str | Path) -> None:
        """Make sure that a run which shall change is a folder of this machine.

        Raises:
            InputError: It is at a URL.
        """
        if url_of(path) is not None:
            raise InputError(
                _("{path} is at a URL, where a run answers but does not change").format(
                    path=as_path(path)
                ),
                _("copy it here, change the copy and copy that back"),
            )

    @classmethod
    def create(
        cls,
        path: Path,
        settings: dict[str, Any],
        catalogue: SignCatalogue,
        notes: dict[str, Any],
        more: Callable[[Path], object] | None = None,
    ) -> RunFolder:
        """Start a run with catalogue, presets and run.json: all of them, or no run.

        Args:
            path: The folder to make.
            settings: What it is trained with; the preset files of its `recipe` are copied.
            catalogue: Its classes.
            notes: More for run.json, beside the usual.
            more: Writes more files into the folder that it is given, which takes their place.

        Raises:
            InputError: See `check_free`.
        """
        cls.check_free(path)
        path.mkdir(parents=True, exist_ok=True)
        with run_lock(path):
            cls.check_free(path)
            with exchange(path) as place:
                catalogue.save(place / "catalogue")
                recipe = keep_presets(place, settings["recipe"])
                info = {
                    "name": path.resolve().name,
                    "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                    "settings": {**settings, "recipe": recipe},
                    "seconds": 0.0,
                    "stages": [],
                    "finished": False,
                    **notes,
                }
                if more is not None:
                    more(place)
                write_json(place / RUN_FILE, info)
        return cls(path, RunInfo(info, path / RUN_FILE))

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Open a run folder; of one at a URL, a copy in the cache.

        Raises:
            InputError: No run.json, or it is damaged.
        """
        if is_built_in(path):
            raise InputError(
                _("the built-in model is no run folder"), _("make one of it: raresign start RUN")
            )
        if is_bundle(path):
            raise InputError(
                f"{path} is a bundle, which only answers",
                "name the run that it was made from; `raresign export --patch` brings what changes",
            )
        path = local_copy(path)
        if not path.exists():
            raise InputError(
                _("{path}: there is no such run folder or file").format(path=path),
                _("check the name, or train one: raresign train DATA --out {path}").format(
                    path=path
                ),
            )
        settle(path)
        seen = Seen.of(path)
        return cls(path, read_info(path), seen)

    @classmethod
    @contextmanager
    def changing(
        cls, path: str | Path, say: Callable[[str], object] | None = None
    ) -> Iterator[RunFolder]:
        """Open a run folder and hold its lock, so that nobody else changes it in the block.

        Args:
            path: The folder.
            say: Is told if another process holds the lock.

        Raises:
            InputError: As `open`.
        """
        cls.check_here(path)
        cls.open(path)  # tells what is wrong before the lock is waited for
        with run_lock(Path(path), say):
            sweep(Path(path))
            folder = cls.open(path)
            folder._seen = None
            yield folder

    def check_unchanged(self) -> None:
        """Make sure that nobody has changed the run since it was opened.

        Raises:
            InputError: Somebody has.
        """
        if not self._is_current():
            raise InputError(
                f"{self.path} was changed meanwhile by another command", "run it again"
            )

    def write(self) -> None:
        """Write run.json."""
        write_json(self.path / RUN_FILE, self.info)

    def add_stage(
        self, name: str, kind: str, result: StageResult, test: dict[str, float | None] | None
    ) -> None:
        """Record a finished stage."""
        self.info["stages"].append({"name": name, "kind": kind, **asdict(result), "test": test})
        self.write()

    @cached_property
    def trained_catalogue(self) -> SignCatalogue:
        """The classes that the run was trained with."""
        return SignCatalogue.load(self.path / "catalogue")

    @cached_property
    def added(self) -> list[AddedFolder]:
        """The added classes, in the order in which they came.

        Damaged ones are left out with a warning. They are of one state of the run: where another
        process changes it meanwhile, they are read again.

        Raises:
            InputError: It changes without end.
        """
        for _try in range(_TRIES):
            told: list[str] = []
            found = read_added(self.path, self.trained_catalogue.classes, told.append)
            if self._is_current():
                for one in told:
                    warnings.warn(one, stacklevel=2)
                return found
            self._reopen()
        raise self._restless()

    @cached_property
    def catalogue(self) -> SignCatalogue:
        """The classes that the run was trained with and, behind them, the added ones."""
        added = self.added  # first: it may open the run anew
        return self.trained_catalogue.extended([one.sign for one in added])

    @property
    def framing(self) -> Framing:
        """How the run reads crops."""
        return saved_framing(self.info)

    def recogniser(
        self, encoder: Encoder | None = None, without: Collection[str] = ()
    ) -> Recogniser:
        """The trained net with everything that answers need, added classes and photos included.

        Args:
            encoder: Computes the net's embeddings; unless given, `encoder.onnx`, which needs no
                torch, or the net itself where the run has no such file of these weights.
            without: Classes whose photos are left out.

        Raises:
            InputError: As `model`, or a file is damaged.
        """
        for _try in range(_TRIES):
            try:
                found = read_recogniser(self, encoder, without)
            except (InputError, OSError):
                if self._is_current():
                    raise
            else:
                if self._is_current():
                    return found
            self._reopen()  # another process has changed the run meanwhile
        raise self._restless()

    def _restless(self) -> InputError:
        return InputError(f"{self.path} changes without end", "wait for the other commands")

    def _is_current(self) -> bool:
        """Whether all that was read of the run is of one state of it."""
        return self._seen is None or self._seen == Seen.of(self.path)

    def _reopen(self) -> None:
        """Forget what was read."""
        fresh = RunFolder.open(self.path)
        self.info, self._seen = fresh.info, fresh._seen
        for name in ("trained_catalogue", "added", "catalogue"):
            self.__dict__.pop(name, None)

    def check_finished(self) -> None:
        """Make sure that training is over: classes that come earlier would not fit the net.

        Raises:
            InputError: It is not.
        """
        if not self.info.get("finished"):
            raise InputError(
                _("the training of {path} has not ended").format(path=self.path),
                _("finish it with `raresign train --resume`"),
            )

    def model(self) -> SignNet:
        """The trained classifier, in evaluation mode on the CPU.

        Raises:
            InputError: Training has not finished a stage yet, or the file is damaged.
        """
        from raresign.models.model_files import load_model  # torch takes seconds to import

        self.check_trained()
        return load_model(self.path).eval()

    def check_trained(self) -> None:
        """Make sure that there is a trained net.

        Raises:
            InputError: Training has not finished a stage yet.
        """
        if not (self.path / WEIGHTS_FILE).exists():
            raise InputError(
                _("{path} holds no trained model yet").format(path=self.path),
                _("finish it with `raresign train --resume`"),
            )
