"""Trials of a protocol: finished ones are kept, the others run here or on a cluster."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from raresign.cluster.ray_cluster import RayCluster
from raresign.commands.progress import Say
from raresign.errors import InputError
from raresign.lab.protocol.absent_trial import run_absent
from raresign.lab.protocol.folded_data import FoldedData, material
from raresign.lab.protocol.trial import run_trial
from raresign.lab.protocol.trial_framing import FRAMING_FILE, write_framing
from raresign.models.sign_net import SignNet
from raresign.training.recipe import Recipe


@dataclass(frozen=True)
class TrialJob:
    """One trial, as it travels to a process."""

    kind: Literal["row", "ceiling", "absent"]
    data: FoldedData
    recipe: Recipe
    title: str
    fold: int
    seed: int
    folder: Path
    framing: bool = False

    @property
    def record(self) -> Path:
        """The file that is written last."""
        return self.folder / ("absent.json" if self.kind == "absent" else "trial.json")


def _finished(job: TrialJob) -> bool:
    """Whether the trial lies in its folder.

    Raises:
        InputError: One of other folds or other data lies there: nothing could be paired with it.
    """
    try:
        info = json.loads(job.record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise InputError(f"{job.record} cannot be read: {error}", "delete it") from error
    source, _, parts = material(job.data)
    classes = [source.catalogue.codes[label] for label in parts[job.fold].classes]
    icons = info.get("icons") or "own"  # null in trials of an earlier version
    if info.get("classes") != classes or icons != str(source.icons):
        raise InputError(f"{job.folder} is of other folds or data", "name another --out")
    return not job.framing or (job.folder / FRAMING_FILE).is_file()


def run_jobs(wanted: Sequence[TrialJob], jobs: int, say: Say, cluster: RayCluster | None) -> None:
    """All unfinished trials, some at a time."""
    waiting = [job for job in wanted if not _finished(job)]
    for number, job in enumerate(_run(waiting, jobs, cluster)):
        say(f"{number + 1} of {len(waiting)}: {job.title}, fold {job.fold}, seed {job.seed}")


def _run(waiting: list[TrialJob], jobs: int, cluster: RayCluster | None) -> Iterator[TrialJob]:
    """Each trial once it has ended."""
    if cluster is not None:
        yield from cluster.map(_one_afar, Path.cwd(), waiting)
        return
    if jobs == 1:
        for job in waiting:
            _one(job)
            yield job
        return
    threads = max(1, torch.get_num_threads() // jobs)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _start, (threads,)) as pool:
        futures = {pool.submit(_one, job): job for job in waiting}
        for future in as_completed(futures):
            future.result()
            yield futures[future]


def _start(threads: int) -> None:
    """A process of the pool: its share of the cores, and an end when its parent's comes."""
    torch.set_num_threads(threads)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _one_afar(here: Path, job: TrialJob) -> TrialJob:
    """In a process of a cluster, which has one processor."""
    os.chdir(here)  # paths of a trial may be relative
    torch.set_num_threads(1)
    _one(job)
    return job


def _one(job: TrialJob) -> None:
    source, pack, parts = material(job.data)
    given = source, pack, parts[job.fold], job.recipe, job.fold, job.seed, job.folder
    if job.kind == "absent":
        run_absent(*given)
        return

    def sweep(net: SignNet, rows: np.ndarray) -> None:
        write_framing(net, source.training, pack, rows, job.data.framing, job.folder)

    spare = job.kind == "ceiling"
    run_trial(*given, job.title, spare, sweep if job.framing else None)
