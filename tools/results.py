"""Fills docs/results.md: trains every row of the comparison with three seeds and measures it.

    python tools/results.py DATA --runs runs/results --jobs 2

Rows that are already in the runs folder are not trained again, so it can be stopped and resumed.
Every row shares backbone, crop size and number of crops. `smalltest` is only measured.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROWS: dict[str, tuple[str, list[str]]] = {
    "reference recipe, label faults on": ("reference-faults", []),
    "reference recipe, label faults off": ("reference", []),
    "default recipe, random weights": ("default", ["--weights", "none"]),
    "default recipe": ("default", []),
    "default recipe with the reference's crops": ("default-reference-preset", []),
}
SEEDS = (0, 1, 2)
BACKBONE = ["--backbone", "mobilenetv2_100", "--crop-size", "64", "--accelerator", "cpu"]


def run_folder(runs: Path, recipe: str, extra: list[str], seed: int) -> Path:
    return runs / "-".join([recipe, *(word.strip("-") for word in extra), str(seed)])


def train(data: Path, out: Path, recipe: str, extra: list[str], seed: int, threads: int) -> None:
    """Train one row with one seed, unless it is there; go on if it was stopped."""
    if (out / "run.json").exists() and json.loads((out / "run.json").read_text())["finished"]:
        return
    resume = ["--resume"] if (out / "run.json").exists() else []
    command = [sys.executable, "-m", "raresign", "train", str(data), "--out", str(out)]
    command += ["--recipe", recipe, "--seed", str(seed), *BACKBONE, *extra, *resume]
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_suffix(".log").open("a") as log:
        started = time.time()
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        done = subprocess.run(command, stdout=log, stderr=log, env=environment, check=False)
    minutes = (time.time() - started) / 60
    print(f"{out.name}: exit {done.returncode} after {minutes:.1f} min", flush=True)


def interval(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f}"


def table(runs: Path, data: Path) -> str:
    """The Markdown page."""
    from raresign import RunFolder, load_predictions, seeds_interval

    lines: list[str] = []
    machine: dict[str, object] = {}
    for title, (recipe, extra) in ROWS.items():
        folders = [run_folder(runs, recipe, extra, seed) for seed in SEEDS]
        finished = [f for f in folders if (f / "evaluation" / "predictions.parquet").exists()]
        if not finished:
            continue
        infos = [RunFolder.open(folder).info for folder in finished]
        machine = infos[0]["machine"]
        predictions = [load_predictions(folder) for folder in finished]
        cells = []
        for group, summary in seeds_interval(predictions).items():
            spread = f" +- {100 * summary.spread:.1f}" if len(finished) > 1 else ""
            cells.append(
                f"{100 * summary.mean:.1f}{spread} ({interval(summary.low, summary.high)})"
            )
            del group
        as_frequent = (
            100
            * sum(rare_called_frequent(prediction) for prediction in predictions)
            / len(predictions)
        )
        pseudo = [
            stage["pseudo_rare_recall"]
            for info in infos
            for stage in info["stages"]
            if stage["pseudo_rare_recall"] is not None
        ]
        chosen_by = f"{100 * sum(pseudo) / len(pseudo):.1f}" if pseudo else "-"
        minutes = sum(info["seconds"] for info in infos) / len(infos) / 60
        options = " ".join(["--recipe", recipe, *extra])
        lines.append(
            f"| {title} | `{options}` | {' | '.join(cells)} | {as_frequent:.1f} | {chosen_by} "
            f"| {len(finished)} | {minutes:.1f} |"
        )
    head = (
        "| row | options | all % | rare % | freq % | rare called frequent % | pseudo-rare % "
        "| seeds | minutes a run |\n|---|---|---|---|---|---|---|---|---|"
    )
    return PAGE.format(
        table="\n".join([head, *lines]),
        machine=json.dumps(machine),
        seeds=", ".join(map(str, SEEDS)),
    )


def rare_called_frequent(predictions: object) -> float:
    from raresign import evaluate_predictions

    return evaluate_predictions(predictions).rare_called_frequent.value  # type: ignore[arg-type]


PAGE = """# Results on real crops

Written by `make results` (`tools/results.py`); `docs/results-notes.md` says what they mean.

Data: RTSD-R1 in the reference layout, 67 classes (45 frequent, 22 rare without any real training
crop), 8,011 training crops, 2,337 test crops (937 frequent, 1,400 rare). Backbone
`mobilenetv2_100` at 64 px in every row, its ImageNet weights from a package unless said otherwise.
Seeds {seeds}. Mean over seeds +- standard deviation; in brackets the 95 % interval over crops and
seeds. Test crops were measured only: every choice was made on pseudo-rare classes.

Each row: `raresign train DATA --out RUN OPTIONS --backbone mobilenetv2_100 --crop-size 64
--accelerator cpu --seed N`. Two runs at a time, one thread each, on: `{machine}`.

{table}

*pseudo-rare*: recall on real crops of frequent classes that were held out and played rare, at the
end of the stage that held them out; what choices are made by. The reference recipe holds out none.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/results"))
    parser.add_argument("--out", type=Path, default=Path("docs/results.md"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    options = parser.parse_args()
    threads = max((os.cpu_count() or 1) // options.jobs, 1)
    with ThreadPoolExecutor(options.jobs) as pool:
        for seed in options.seeds:
            for recipe, extra in ROWS.values():
                out = run_folder(options.runs, recipe, extra, seed)
                pool.submit(train, options.data, out, recipe, extra, seed, threads)
    options.out.write_text(table(options.runs, options.data))
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
