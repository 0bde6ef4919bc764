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
from dataclasses import asdict
from pathlib import Path

import torch
from PIL import Image

from raresign.signs.countries.registry import standard
from raresign.simulated.photo import simulated_photo
from raresign.training.fit import Hardware
from raresign.training.recipe import load_recipe

RECIPE = {
    "name": "small",
    "backbone": "test_efficientnet",
    "weights": "none",
    "crop_size": 32,
    "embedding": 64,
}
STAGES: list[dict[str, object]] = [
    {"kind": "mixed", "real": 27, "synthetic": 37, "prior": "domain", "learning_rate": 3e-3},
    {
        "kind": "metric",
        "balanced": {"classes": 9, "items": 4},
        "metric": {"loss": "supcon", "icons": True},
    },
]
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


def fit(data: Path, out: Path, steps: int, devices: int) -> None:
    """Train the recipe in this process, beside others perhaps; the first one writes `out`."""
    from raresign.commands.data_folder import open_data
    from raresign.commands.train.prepared_training import prepare_training
    from raresign.training.processes import is_first_process
    from raresign.training.stage_loop import fit_stages, new_net

    stages = [{**stage, "steps": steps, "validate_every": steps} for stage in STAGES]
    recipe = load_recipe({**RECIPE, "stages": stages})
    torch.manual_seed(0)
    source = open_data(data, None, "auto", False, "own", "none")
    prepared = prepare_training(source, recipe, 0, out.with_suffix(".cache"), False, lambda _: None)
    hardware = Hardware("cpu", devices, "32-true")
    net = new_net(recipe, len(source.catalogue), 0)
    start = torch.cat([value.detach().flatten() for value in net.parameters()]).clone()
    folder = out.with_suffix(".stages")
    done = list(fit_stages(recipe, prepared.data, folder, net=net, hardware=hardware, quiet=True))
    if is_first_process():
        weights = torch.cat([value.detach().flatten() for value in done[-1][1].parameters()])
        told = [asdict(result) for _, _, result in done]
        torch.save({"start": start, "weights": weights, "stages": told}, out)


def train(prefix: list[str], data: Path, out: Path, *more: str) -> subprocess.Popen:  # type: ignore[type-arg]
    """Start `fit` behind `prefix`, such as `python` or `torchrun ...`."""
    command = [*prefix, __file__, "--fit", str(out), "--data", str(data), *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
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


def row(name: str, run: Path, alone: Path) -> str:
    """A line of the table."""
    found, expected = (torch.load(file, weights_only=True) for file in (run, alone))
    stage = found["stages"][-1]
    moved = (expected["weights"] - expected["start"]).norm()
    away = float((found["weights"] - expected["weights"]).norm() / moved)
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
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--devices", type=int, default=1, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.fit:
        fit(given.data, given.fit, given.steps, given.devices)
        return
    steps = "--steps", str(given.steps)
    print("| way | recall, frequent | recall, pseudo-rare | weights away | crops/s | a process |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = write_data(root / "data")
        python, alone = [sys.executable], root / "alone.pt"
        ended(train(python, data, alone, *steps))
        print(row("one process", alone, alone), flush=True)
        for count in (2, 4):
            run = root / f"devices-{count}.pt"
            ended(train(python, data, run, *steps, "--devices", str(count)))
            print(row(f"{count} processes", run, alone), flush=True)
        try:
            with two_machines() as machines:
                runs = [root / f"machine-{rank}" / "run.pt" for rank in (0, 1)]
                started = []
                for rank, run in enumerate(runs):
                    run.parent.mkdir()
                    prefix = [*machines[rank], *torchrun(rank)]
                    started.append(train(prefix, data, run, *steps))
                ended(*started)
                assert not runs[1].with_suffix(".stages").exists(), "the second machine wrote"
                print(row("2 machines, torchrun", runs[0], alone), flush=True)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            print(f"\ntwo machines: left out, {getattr(error, 'stderr', None) or error}")


if __name__ == "__main__":
    main()
