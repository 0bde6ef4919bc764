"""Trains the same small recipe in one process, in several, and on two machines; compares them.

    python tools/several_processes.py

The two machines are network namespaces of this one, joined by a cable of their own, each with a
folder of its own; they need root, and are left out with the reason where that is missing. Prints a
row a way: recall, crops a second, and how far the weights end from those of one process, as a share
of the way that these have gone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from PIL import Image

from raresign.models.model_files import load_model
from raresign.signs.countries.registry import standard
from raresign.simulated.photo import simulated_photo

RECIPE = {
    "name": "small",
    "backbone": "test_efficientnet",
    "weights": "none",
    "crop_size": 32,
    "embedding": 64,
    "index_crops": 4,
    "stages": [
        {"kind": "mixed", "real": 27, "synthetic": 37, "prior": "domain", "learning_rate": 3e-3},
        {
            "kind": "metric",
            "balanced": {"classes": 9, "items": 4},
            "metric": {"loss": "supcon", "icons": True},
        },
    ],
}
SIGNS = ("1.11.1", "1.22", "2.1", "2.4", "2.5", "3.1", "3.2", "3.24.n40", "4.1.1", "5.19.1")
RARE = ("1.11.2", "3.24.n60")
PHOTOS = 24
CABLE = (("rs-one", "10.231.7.1"), ("rs-two", "10.231.7.2"))
PORT = 29611


def write_data(folder: Path) -> Path:
    """A data folder of a few signs and simulated photos."""
    (folder / "icons").mkdir(parents=True)
    for code in SIGNS + RARE:
        (folder / "icons" / f"{code}.svg").write_text(standard("gost").svg(code))
    for code in SIGNS:
        (folder / "cropped-train" / code).mkdir(parents=True)
        for number in range(PHOTOS):
            photo = Image.fromarray(simulated_photo(code, 0, number))
            photo.save(folder / "cropped-train" / code / f"{number}.png")
    kinds = dict.fromkeys(SIGNS, "freq") | dict.fromkeys(RARE, "rare")
    classes = {code: {"id": row, "type": kind} for row, (code, kind) in enumerate(kinds.items())}
    (folder / "classes.json").write_text(json.dumps(classes))
    return folder


def train(prefix: list[str], data: Path, out: Path, recipe: Path, *more: str) -> subprocess.Popen:  # type: ignore[type-arg]
    """Start `raresign train` behind `prefix`, such as `python` or `torchrun ...`."""
    command = [*prefix, "-m", "raresign", "train", str(data), "--out", str(out)]
    command += ["--recipe", str(recipe), "--accelerator", "cpu", "--precision", "32-true", *more]
    cache = out.parent / f"cache-{out.name}"
    environment = os.environ | {"RARESIGN_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def ended(*started: subprocess.Popen) -> None:  # type: ignore[type-arg]
    """Wait; stop if one failed."""
    said = [one.communicate()[0] for one in started]
    if any(one.returncode for one in started):
        raise SystemExit("\n".join(said))


@contextmanager
def two_machines() -> Iterator[list[list[str]]]:
    """Prefixes that run a command in either of two network namespaces with a cable between them."""

    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)

    names = [name for name, _ in CABLE]
    try:
        for name in names:
            ip("netns", "add", name)
        ip("link", "add", names[0], "netns", names[0], "type", "veth", "peer", "name", names[1],
           "netns", names[1])  # fmt: skip
        for name, address in CABLE:
            ip("-n", name, "addr", "add", f"{address}/24", "dev", name)
            for device in ("lo", name):
                ip("-n", name, "link", "set", device, "up")
        yield [["ip", "netns", "exec", name, "env", f"GLOO_SOCKET_IFNAME={name}"] for name in names]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def torchrun(rank: int) -> list[str]:
    """One process on either of two machines."""
    return [
        sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1",
        "--node-rank", str(rank), "--master-addr", CABLE[0][1], "--master-port", str(PORT),
    ]  # fmt: skip


def weights(run: Path) -> torch.Tensor:
    """All weights of a run as one row; no statistics, which count steps too."""
    return torch.cat([value.detach().flatten() for value in load_model(run).parameters()])


def row(name: str, run: Path, alone: torch.Tensor, moved: float) -> str:
    """A line of the table."""
    stage = json.loads((run / "run.json").read_text())["stages"][-1]
    away = float((weights(run) - alone).norm()) / moved
    speed, processes = stage["crops_per_second"], stage["processes"]
    recalls = [stage[key] for key in ("validation_recall", "pseudo_rare_recall")]
    return (
        f"| {name} | {' | '.join(f'{100 * each:.1f} %' for each in recalls)} | {away:.1e} | "
        f"{speed:,.0f} | {speed / processes:,.0f} |"
    )


def main() -> None:
    """Train in every way, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=40, help="of each of the two stages")
    steps = parser.parse_args().steps
    print("| way | recall, frequent | recall, pseudo-rare | weights away | crops/s | a process |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = write_data(root / "data")
        for stage in RECIPE["stages"]:
            stage |= {"steps": steps, "validate_every": max(1, steps // 2)}  # type: ignore[operator]
        recipe = root / "small.yaml"
        recipe.write_text(json.dumps(RECIPE))
        start = root / "start.yaml"
        still = [{**stage, "learning_rate": 1e-12} for stage in RECIPE["stages"]]  # type: ignore[dict-item]
        start.write_text(json.dumps(RECIPE | {"stages": [{**still[0], "steps": 1}]}))
        python = [sys.executable]
        ended(train(python, data, root / "start", start))
        ended(train(python, data, root / "alone", recipe))
        alone = weights(root / "alone")
        moved = float((alone - weights(root / "start")).norm())
        print(row("one process", root / "alone", alone, moved), flush=True)
        for count in (2, 4):
            run = root / f"devices-{count}"
            ended(train(python, data, run, recipe, "--devices", str(count)))
            print(row(f"{count} processes", run, alone, moved), flush=True)
        try:
            with two_machines() as machines:
                runs = [root / f"machine-{rank}" / "run" for rank in (0, 1)]
                for run in runs:
                    run.parent.mkdir()
                ended(
                    *(
                        train([*machine, *torchrun(rank)], data, run, recipe)
                        for rank, (machine, run) in enumerate(zip(machines, runs, strict=True))
                    )
                )
                assert not list(runs[1].parent.glob("run/*")), "the second machine wrote a run"
                print(row("2 machines, torchrun", runs[0], alone, moved), flush=True)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            print(f"\ntwo machines: left out, {getattr(error, 'stderr', None) or error}")


if __name__ == "__main__":
    main()
