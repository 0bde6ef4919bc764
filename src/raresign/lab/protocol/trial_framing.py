"""The framing sweep of a trial: its measured crops, scaled and shifted, by the classifier alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from raresign.crops.crop_table import CropTable
from raresign.crops.pack import CropPack
from raresign.crops.reframing import SCALES, UNCHANGED, reframed_rows, sweep_reframings
from raresign.errors import InputError
from raresign.files import whole_file
from raresign.framing.finder import Framing, read_crops
from raresign.lab.protocol.trial import Trial
from raresign.models.outputs import net_outputs
from raresign.models.sign_net import SignNet

FRAMING_FILE = "framing.safetensors"
_WINDOWS = sweep_reframings(shifts=(0.15,))
"""Few: a trial measures thousands of crops, each in every window."""
_BATCH = 1024


@dataclass(frozen=True)
class FramingLoss:
    """What a row loses on crops that are framed otherwise, over all its trials.

    Attributes:
        title: Of the row.
        plays_rare: Whether the crops play rare; else they are held-out frequent ones.
        crops: How many, summed over trials.
        recall: On unchanged crops.
        scales: (scale, recall of unchanged crops less recall at that scale).
        shift: The same for a shift of 15 %, mean over eight directions.
    """

    title: str
    plays_rare: bool
    crops: int
    recall: float
    scales: tuple[tuple[float, float], ...]
    shift: float


def write_framing(
    net: SignNet,
    table: CropTable,
    pack: CropPack,
    rows: np.ndarray,
    framing: Framing,
    folder: Path,
) -> None:
    """Write what a net answers to some crops of a pack in every window.

    Args:
        net: The classifier.
        table: What the pack was made of: its files are read again at native resolution.
        rows: (N,) rows of the pack.
        framing: How the pack's crops were framed.
        folder: Gets the file.
    """
    order = np.argsort(rows)  # a table is filtered in its own order
    chosen = np.zeros(len(table), bool)
    chosen[_packed(table, pack)[rows]] = True
    answers = np.full((len(_WINDOWS), len(rows)), -1)
    for place, said in _answers(net, table.filter(chosen), framing):
        answers[:, order[place]] = said
    with whole_file(folder / FRAMING_FILE) as temporary:
        temporary.write_bytes(save({"windows": np.array(_WINDOWS), "answers": answers}))


def _packed(table: CropTable, pack: CropPack) -> np.ndarray:
    """(N,) the row of the table that each row of its pack comes from."""
    skipped = {path for path, _ in pack.skipped}
    rows = [row for row, path in enumerate(table.paths) if str(path) not in skipped]
    if len(rows) != len(pack):
        raise InputError(
            f"{len(rows)} readable crops, {len(pack)} packed", "sweep only whole picture files"
        )
    return np.array(rows, np.int64)


def _answers(net: SignNet, table: CropTable, framing: Framing) -> Iterator[tuple[int, np.ndarray]]:
    """Row of the table and (W,) the labels that the classifier gives it."""
    places: list[int] = []
    crops: list[np.ndarray] = []

    def said() -> Iterator[tuple[int, np.ndarray]]:
        labels = net_outputs(net, np.stack(crops)).logits.argmax(1)
        yield from zip(places, labels.reshape(len(places), -1), strict=True)

    for row, pictures in reframed_rows(table, _WINDOWS):
        places.append(row)
        crops += read_crops(pictures, net.crop_size, framing)
        if len(crops) >= _BATCH:
            yield from said()
            places, crops = [], []
    if crops:
        yield from said()


def framing_losses(
    trials: Mapping[str, Sequence[Trial]], folders: Mapping[str, Sequence[Path]]
) -> tuple[FramingLoss, ...]:
    """Two lines a row: crops that play rare, and held-out frequent ones.

    Args:
        trials: By the title of their row.
        folders: Where each of them lies.

    Raises:
        InputError: A file is missing or damaged.
    """
    losses = []
    for title, ones in trials.items():
        found = [load_framing(folder) for folder in folders[title]]
        for rare in (True, False):
            parts = [
                (said == trial.labels)[:, trial.plays_rare == rare]
                for trial, said in zip(ones, found, strict=True)
            ]
            right = np.concatenate(parts, axis=1)
            recalls = right.mean(axis=1)
            lost = recalls[_WINDOWS.index(UNCHANGED)] - recalls
            scales = [
                (window.scale, float(loss))
                for window, loss in zip(_WINDOWS, lost, strict=True)
                if not (window.across or window.down)
            ]
            moved = [bool(window.across or window.down) for window in _WINDOWS]
            losses.append(
                FramingLoss(
                    title,
                    rare,
                    right.shape[1],
                    float(recalls[_WINDOWS.index(UNCHANGED)]),
                    tuple(scales),
                    float(lost[moved].mean()),
                )
            )
    return tuple(losses)


def load_framing(folder: Path) -> np.ndarray:
    """(W, N) labels that a trial's net answered, in the order of its crops.

    Raises:
        InputError: The file is missing, damaged, or of other windows.
    """
    file = folder / FRAMING_FILE
    try:
        arrays = load_file(file)
        if not np.array_equal(arrays["windows"], np.array(_WINDOWS)):
            raise ValueError("it is of other windows")
        answers: np.ndarray = arrays["answers"]
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise InputError(f"{file}: {type(error).__name__}: {error}", "delete it") from error
    return answers


def framing_markdown(losses: Mapping[str, Sequence[FramingLoss]]) -> str:
    """Points lost by scale for a page of the documentation; by country where it has a name."""
    named = any(losses)
    heads = ["row", "crops", "recall %", *(f"x {scale:g}" for scale in SCALES)]
    heads = [*(["country"] if named else []), *heads, "shifted 15 %"]
    lines = [
        "Points lost where the crops are scaled about their centre (visible width) or shifted:",
        "",
        f"| {' | '.join(heads)} |",
        "|" + "---|" * len(heads),
    ]
    for country, rows in losses.items():
        for row in rows:
            cells = [
                *([country] if named else []),
                row.title,
                f"{'plays rare' if row.plays_rare else 'freq'} ({row.crops:,})",
                f"{100 * row.recall:.1f}",
                *(f"{100 * loss:.1f}" for _, loss in row.scales),
                f"{100 * row.shift:.1f}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
