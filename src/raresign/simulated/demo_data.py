"""Writes the demo dataset: drawn signs, simulated photos and made backgrounds, as one folder."""

from __future__ import annotations

import csv
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from raresign.errors import InputError
from raresign.files import write_json
from raresign.seeds import mix_integers
from raresign.signs.catalogue.pictures import in_threads
from raresign.signs.countries.drawn_folder import write_catalogue
from raresign.signs.countries.registry import standard
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.simulated.photo import simulated_photo

Progress = Callable[[int, int], None]  # files done, files in all

_STAMP = "demo.json"
_FEWEST, _MOST = 6, 30  # training photos of a class
_MEAN = 10  # training photos of a class, on average
_TESTS = 3  # test photos of a class
_BACKGROUNDS = 60
_AT_ONCE = 32  # photos
_TEST_NUMBERS = 1_000_000  # photos from this number on are kept for the test
_README = """\
This is the demo dataset of raresign. Its photos are SIMULATED: signs drawn for this package, seen
by a camera model at the side of made roads. Results on it show that the system works; they say
nothing about real roads.

classes.json                {{"<class>": {{"id": ..., "type": "freq" or "rare"}}}}
icons/<class>.svg           the drawn sign
cropped-train/<class>/*.png photos of frequent classes
smalltest/*.png             photos of all classes, labelled in smalltest_annotations.csv
background_images/*.jpg     made backgrounds for synthetic crops

Seed {seed}; the same seed writes the same files.
"""


def _stamp(seed: int) -> dict[str, object]:
    """What a finished demo folder says of itself; it changes when any source file of it changes."""
    digest = hashlib.sha256()
    here = Path(__file__).parents[1]
    for path in sorted(
        path for room in ("simulated", "signs") for path in here.glob(f"{room}/**/*")
    ):
        if path.suffix in {".py", ".svg", ".json"}:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(here).as_posix()} {len(content)} ".encode() + content)
    return {"made_by": "raresign demo", "seed": seed, "version": digest.hexdigest()[:16]}


def _found_stamp(root: Path) -> dict[str, object] | None:
    """The stamp in `root`; None where `root` does not exist or is empty."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return None
    try:
        stamp = json.loads((root / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stamp = None
    if not isinstance(stamp, dict) or stamp.get("made_by") != "raresign demo":
        raise InputError(
            f"{root} exists and is not a demo dataset", "name a new folder for the demo"
        )
    return stamp


def _training_counts(rng: np.random.Generator, codes: list[str]) -> dict[str, int]:
    """Imbalanced counts between the bounds with the wanted mean: few classes hold many photos."""
    ranks = np.linspace(0, 1, len(codes))
    shape = (_MEAN - _FEWEST) / (_MOST - _FEWEST)  # mean of (1 - rank)**power is 1 / (1 + power)
    counts = np.round(_FEWEST + (_MOST - _FEWEST) * (1 - ranks) ** (1 / shape - 1)).astype(int)
    return dict(zip(codes, rng.permutation(counts).tolist(), strict=True))


def _photos(seed: int, wanted: Sequence[tuple[str, int]]) -> Iterator[Image.Image]:
    """The photos of (class, number), in order; some are taken at once, on all processors."""
    for start in range(0, len(wanted), _AT_ONCE):
        yield from in_threads(
            lambda one: Image.fromarray(simulated_photo(one[0], seed, one[1])),
            wanted[start : start + _AT_ONCE],
        )


def _write(folder: Path, seed: int, progress: Progress | None) -> None:
    """Fill an empty folder with the dataset."""
    rng = np.random.default_rng(mix_integers(seed))
    classes = standard("gost").classes
    counts = _training_counts(
        rng, [code for code, (_, type_) in classes.items() if type_ == "freq"]
    )
    tests = [(code, _TEST_NUMBERS + i) for code in classes for i in range(_TESTS)]
    tests = [tests[i] for i in rng.permutation(len(tests))]
    total, done = sum(counts.values()) + len(tests) + _BACKGROUNDS, 0

    def finished_one() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    write_catalogue(folder, standard("gost"))
    for code, count in counts.items():
        (folder / "cropped-train" / code).mkdir(parents=True)
        for number, photo in enumerate(_photos(seed, [(code, one) for one in range(count)])):
            photo.save(folder / "cropped-train" / code / f"{number:04d}.png", compress_level=1)
            finished_one()
    (folder / "smalltest").mkdir()
    with (folder / "smalltest_annotations.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["filename", "class"])
        for row, ((code, _), photo) in enumerate(zip(tests, _photos(seed, tests), strict=True)):
            photo.save(folder / "smalltest" / f"{row:05d}.png", compress_level=1)
            table.writerow([f"{row:05d}.png", code])
            finished_one()
    (folder / "background_images").mkdir()
    for row, background in enumerate(procedural_backgrounds(_BACKGROUNDS, seed)):
        picture = Image.fromarray(background)
        picture.save(folder / "background_images" / f"{row:04d}.jpg", quality=90)
        finished_one()
    (folder / "README.txt").write_text(_README.format(seed=seed), encoding="utf-8")
    write_json(folder / _STAMP, _stamp(seed))


def write_demo(root: Path, seed: int = 0, progress: Progress | None = None) -> Path:
    """Write the demo dataset in the reference layout; all of its photos are simulated.

    The folder appears whole or not at all. A demo folder of the same seed and package version is
    left as it is; one of another seed or version is replaced.

    Args:
        root: The folder to make.
        seed: The same seed writes the same photos.
        progress: Called with (files done, files in all) after each picture.

    Returns:
        `root`.

    Raises:
        InputError: `root` exists and is something else than a demo dataset.
        OSError: The disk is full or the folder cannot be written.

    Example:
        >>> from tempfile import mkdtemp
        >>> folder = write_demo(Path(mkdtemp()) / "demo", seed=1)  # doctest: +SKIP
        >>> sorted(path.name for path in folder.iterdir() if path.is_dir())  # doctest: +SKIP
        ['background_images', 'cropped-train', 'icons', 'smalltest']
    """
    target = Path(root).resolve()
    if _found_stamp(target) == _stamp(seed):
        return root
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as temporary:
        fresh = Path(temporary) / "fresh"
        fresh.mkdir()
        _write(fresh, seed, progress)
        if target.exists():
            target.rename(Path(temporary) / "stale")
        fresh.rename(target)
    return root
