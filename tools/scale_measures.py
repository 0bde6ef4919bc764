"""What `tools/scale.py` measures: each makes its crops, classes or boxes and counts the time."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLASSES = (67, 205, 2_000, 20_000)
Measure = Callable[[int, Path], dict[str, float]]


def seconds() -> float:
    """Processor time of this process and of those that it has ended."""
    every = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in every)


def cost(job: Callable[[], Any]) -> float:
    """Processor seconds of a job."""
    began = seconds()
    job()
    return seconds() - began


def crop_files(size: int, folder: Path) -> Any:
    """A table of made crops on the disk."""
    from raresign.crops.layouts.plain_layouts import from_files
    from raresign.lab.bench.packing import make_files

    make_files(folder / "crops", size, 0)
    return from_files(sorted((folder / "crops").rglob("*.png")))


def pack(size: int, folder: Path) -> dict[str, float]:
    """Packing, and opening what is packed."""
    from raresign.crops.pack import pack_crops

    table = crop_files(size, folder)
    made = cost(lambda: pack_crops(table, 64, folder / "cache"))
    opened = cost(lambda: pack_crops(table, 64, folder / "cache"))
    used = sum(file.stat().st_size for file in (folder / "cache").rglob("*") if file.is_file())
    return {"seconds": made, "again": opened, "bytes": used}


def predict(size: int, folder: Path) -> dict[str, float]:
    """Files to answers, by the built-in model."""
    import raresign

    crop_files(size, folder)
    model = raresign.load()
    return {"seconds": cost(lambda: sum(1 for _ in raresign.predict(model, [folder / "crops"])))}


def index(size: int, folder: Path) -> dict[str, float]:
    """Files to an index, and a second look at it."""
    import raresign

    crop_files(size, folder)
    found = raresign.CropIndex(folder / "index", raresign.load())
    made = cost(lambda: found.update(folder / "crops"))
    again = cost(lambda: found.update(folder / "crops"))
    used = sum(file.stat().st_size for file in (folder / "index").rglob("*") if file.is_file())
    return {"seconds": made, "again": again, "bytes": used}


def find(size: int, folder: Path) -> dict[str, float]:
    """The best candidates of a class in an index of made embeddings."""
    import raresign
    from raresign.lab.bench import finding_crops

    model = raresign.load()
    filled = finding_crops._filled(
        folder / "index", model, finding_crops._embeddings(size, model, None)
    )
    return {"seconds": cost(lambda: raresign.ClassRanking(filled, "2.5").best(50))}


def plan(size: int, folder: Path) -> dict[str, float]:
    """The plan of 100 batches of 48 real crops, out of so many."""
    import numpy as np

    from raresign.sampling.shuffled import ShuffledBatches

    labels = np.random.default_rng(0).integers(0, 205, size)
    batches = ShuffledBatches(labels, 48, 0, power=0.5)
    return {"seconds": cost(lambda: [batches.batch(step) for step in range(100)])}


def train_step(size: int, folder: Path) -> dict[str, float]:
    """Five steps of the default net on 128 crops, with so many classes."""
    import torch

    from raresign.models.sign_net import SignNet

    torch.set_num_threads(1)
    net = SignNet("mobilenetv2_100", size, weights="none", crop_size=64).train()
    optimiser = torch.optim.AdamW(net.parameters())
    crops, labels = torch.rand(128, 3, 64, 64), torch.randint(0, size, (128,))

    def step() -> None:
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(crops).logits, labels).backward()
        optimiser.step()

    step()
    return {"seconds": cost(lambda: [step() for _ in range(5)])}


def judge(size: int, folder: Path) -> dict[str, float]:
    """Embeddings of 1,000 crops to answers, with so many classes and 8 prototypes of each."""
    import numpy as np

    from raresign.answers.fusion import Fusion
    from raresign.answers.head import Head
    from raresign.answers.prototypes import PrototypeIndex

    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(size), 8)
    rows, prototypes, crops = (
        random.standard_normal((count, 512), np.float32) for count in (size, len(labels), 1000)
    )
    known = PrototypeIndex(prototypes, labels, np.ones(len(labels), np.int64), size)
    families, rare = ("red ring",) * size, np.zeros(size, bool)
    lengths = np.ones(len(labels), np.float32)
    head = Head(rows, np.zeros(size, np.float32), families, rare, known, lengths, Fusion(1, 10, 0))
    return {"seconds": cost(lambda: head.judge(crops))}


def evaluate(size: int, folder: Path) -> dict[str, float]:
    """All figures of a test of 2,000 crops, with so many classes."""
    import numpy as np

    import raresign

    random = np.random.default_rng(0)
    shares = random.random((2000, size), np.float32)
    shares /= shares.sum(1, keepdims=True)
    types = ("freq", "rare") * (size // 2) + ("freq",) * (size % 2)
    said = raresign.Predictions(
        tuple(f"{row}.png" for row in range(2000)),
        random.integers(0, size, 2000),
        shares,
        tuple(f"c{label}" for label in range(size)),
        types,
        ("red ring",) * size,
    )
    return {"seconds": cost(lambda: raresign.evaluate_predictions(said))}


def catalogue(size: int, folder: Path) -> dict[str, float]:
    """So many SVG icons to a catalogue and its drawings at 64 px, and the same once more."""
    from raresign.signs.catalogue import pictures
    from raresign.signs.catalogue.sign_catalogue import SignCatalogue
    from raresign.signs.icons import svg_renderer

    (folder / "icons").mkdir()
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><circle cx="50" cy="50" '
    for number in range(size):
        x, y, side = 30 + number % 17, 30 + number // 17 % 13, 8 + number // 221 % 25
        rest = f'<rect x="{x}" y="{y}" width="{side}" height="{8 + number % 29}"/></svg>'
        svg = f'{head}r="46" fill="#fff" stroke="#c{number:05d}" stroke-width="8"/>{rest}'
        (folder / "icons" / f"{number // 100}.{number % 100}.svg").write_text(svg)
    classes = {f"{n // 100}.{n % 100}": {"id": n, "type": "rare"} for n in range(size)}
    (folder / "classes.json").write_text(json.dumps(classes))

    os.environ["RARESIGN_CACHE"] = str(folder / "cache")

    def read() -> None:
        pictures._drawn.cache_clear()  # as in a new process
        pictures.load_pictures(SignCatalogue.from_folder(folder).classes, 64)
        for resting in svg_renderer._resting.values():  # so that their time is counted
            while resting:
                resting.pop().end()

    return {"seconds": cost(read), "again": cost(read)}


def boxes(size: int, folder: Path) -> dict[str, float]:
    """A CSV of so many boxes, ten a frame, to checked signs of frames that are there."""
    from PIL import Image

    import raresign

    frame = folder / "frames" / "0.png"
    frame.parent.mkdir()
    Image.new("RGB", (640, 480)).save(frame)
    for number in range(1, size // 10):
        (frame.parent / f"{number}.png").write_bytes(frame.read_bytes())
    rows = (
        f"{n * 7 % (size // 10)}.png,{n % 600},{n % 440},{n % 600 + 30},{n % 440 + 30}"
        for n in range(size)
    )
    (folder / "boxes.csv").write_text("file,x0,y0,x1,y1\n" + "\n".join(rows))
    return {"seconds": cost(lambda: raresign.boxed_crops(folder / "boxes.csv", [frame.parent]))}


def add_class(size: int, folder: Path) -> dict[str, float]:
    """So many classes added at once to the built-in model's 205."""
    import raresign
    from raresign.signs.countries.drawn_folder import invented_icons

    run = raresign.start_run(folder / "run")
    icons = sorted(invented_icons(size, 0).glob("*.svg"))
    return {"seconds": cost(lambda: raresign.add_class(run, icons))}


MEASURES: dict[str, tuple[Measure, tuple[int, ...], int]] = {
    "pack": (pack, (1_000, 10_000, 30_000), 1),
    "plan of batches": (plan, (10_000, 100_000, 1_000_000), 1),
    "predict": (predict, (500, 2_000), 1),
    "index": (index, (500, 2_000), 1),
    "find in an index": (find, (10_000, 100_000), 1),
    "train step": (train_step, CLASSES, 0),
    "answers of a head": (judge, CLASSES, 0),
    "evaluate": (evaluate, CLASSES[:3], 0),
    "catalogue of SVG icons": (catalogue, CLASSES, 0),
    "boxes of frames": (boxes, (20_000, 200_000), 0),
    "add-class, new classes": (add_class, (1, 4), 0),
}
"""Name -> what is measured, its sizes, whether these are crops."""
