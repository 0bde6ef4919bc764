"""The run folder: what a training leaves, written whole after every stage."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from raresign.commands.added.photo_embeddings import with_photos
from raresign.errors import InputError
from raresign.files import write_json
from raresign.models.encoder import TorchEncoder
from raresign.models.model_files import load_model
from raresign.models.saved_rows import classifier_rows
from raresign.models.sign_net import SignNet
from raresign.runs.recognition_file import load_added, load_head
from raresign.runtime.encoder import Encoder
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.training.fit import StageResult

_PACKAGES = ("raresign", "torch", "timm", "lightning", "numpy", "pillow")


class RunFolder:
    """Reads and writes `run.json` and knows where the other files of a run lie.

    Args:
        path: The folder.
        info: The content of run.json.
    """

    def __init__(self, path: Path, info: dict[str, Any]) -> None:
        self.path = path
        self.info = info

    @staticmethod
    def check_free(path: Path) -> None:
        """Make sure that a run can start in `path`.

        Raises:
            InputError: `path` already holds a run, or other files.
        """
        if (path / "run.json").exists():
            raise InputError(f"{path} already holds a run", "add --resume or name another folder")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path} exists and is not empty", "name a new folder with --out")

    @classmethod
    def create(
        cls,
        path: Path,
        settings: dict[str, Any],
        seed: int,
        catalogue: SignCatalogue,
        notes: dict[str, Any],
    ) -> RunFolder:
        """Start a run: save the catalogue, then write run.json with `notes` beside the usual.

        Raises:
            InputError: See `check_free`.
        """
        cls.check_free(path)
        catalogue.save(path / "catalogue")
        info = {
            "name": path.resolve().name,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "seed": seed,
            "settings": settings,
            "versions": versions(),
            "machine": machine(),
            "seconds": 0.0,
            "stages": [],
            "finished": False,
            **notes,
        }
        run = cls(path, info)
        run.write()
        return run

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Open a run folder.

        Raises:
            InputError: No run.json, or it is damaged.
        """
        path = Path(path)
        try:
            info = json.loads((path / "run.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise InputError(
                f"{path} holds no run.json", "give the folder that `raresign train --out` made"
            ) from None
        except (OSError, ValueError) as error:
            raise InputError(f"{path / 'run.json'} cannot be read: {error}") from error
        return cls(path, info)

    def write(self) -> None:
        """Write run.json."""
        write_json(self.path / "run.json", self.info)

    def add_stage(
        self, name: str, kind: str, result: StageResult, test: dict[str, float | None] | None
    ) -> None:
        """Record a finished stage."""
        self.info["stages"].append({"name": name, "kind": kind, **asdict(result), "test": test})
        self.write()

    def own_catalogue(self) -> SignCatalogue:
        """The run's own copy of the catalogue that it was trained with."""
        return SignCatalogue.load(self.path / "catalogue")

    def catalogue(self) -> SignCatalogue:
        """The catalogue of the run and, behind it, the classes that were added later."""
        own = self.own_catalogue()
        later = load_added(self.path)
        return SignCatalogue([*own.classes, *(one.sign for one in later)]) if later else own

    def recogniser(self, encoder: Encoder | None = None) -> Recogniser:
        """The trained net with everything that answers need, added classes and photos included.

        Args:
            encoder: Computes the net's embeddings; the net itself unless given.

        Raises:
            InputError: As `model`, or a file of the recogniser is damaged.
        """
        encoder = encoder or TorchEncoder(self.model())
        catalogue = self.catalogue()
        head = load_head(self.path, classifier_rows(self.path), self.own_catalogue())
        return Recogniser(encoder, with_photos(self.path, head, catalogue.codes), catalogue)

    def model(self) -> SignNet:
        """The trained classifier, in evaluation mode on the CPU.

        Raises:
            InputError: Training has not finished a stage yet, or the file is damaged.
        """
        if not (self.path / "model.safetensors").exists():
            raise InputError(
                f"{self.path} holds no trained model yet",
                "finish it with `raresign train --resume`",
            )
        return load_model(self.path).eval()


def load(run: str | Path) -> Recogniser:
    """A trained run, ready to answer pictures: `raresign.load("run").answer("crop.png")`.

    Args:
        run: The run folder.

    Raises:
        InputError: No run, no trained model in it yet, or a damaged file.
    """
    return RunFolder.open(run).recogniser()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    return {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
    }


def machine() -> dict[str, str | int]:
    """What the run was computed on."""
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "gpu": gpu,
    }
