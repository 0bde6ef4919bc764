"""What each group of effects is worth: trains with one group off in turn, three seeds a row.

    python tools/ablation.py DATA --runs runs/ablation --jobs 2 [--camera camera.yaml]
    python tools/ablation.py RUSSIAN GERMAN --runs runs/ablation runs/ablation-germany

Every row trains the same short recipe on the same crops; only the synthesis preset differs. Rows
that are in the runs folder are not trained again. Choices are made on the pseudo-rare classes
(frequent ones whose real crops are kept from training, others for each seed); the last columns
only report what the rare classes of the test crops would have said.

Of several data folders, each with a runs folder of its own, one more table shows each row's gain in
each and a verdict: a row that helps one country and hurts another is not kept.
"""

from __future__ import annotations

import argparse
import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean

import yaml
from gains import gains_table, seeds_change
from trainings import is_finished, train_once

from raresign import GROUPS, compare_predictions, load_predictions, load_preset, without
from raresign.lab.protocol.verdict import Change

SEEDS = (0, 1, 2)
RECIPE = {
    "name": "ablation",
    "stages": [{"use": "mixed", "steps": 160, "real": 32, "synthetic": 48, "validate_every": 160}],
}
FULL = "road"


def write_presets(folder: Path, camera: Path | None) -> dict[str, Path]:
    """One YAML file for each row."""
    full = load_preset(FULL)
    presets = {FULL: full} | {f"without {group}": without(full, group) for group in GROUPS}
    if camera is not None:
        presets["fitted to the camera"] = load_preset(camera)
    files = {}
    for title, preset in presets.items():
        files[title] = folder / f"{title.replace(' ', '-')}.yaml"
        text = yaml.safe_dump(preset.model_dump(mode="json"), sort_keys=False)
        if not files[title].exists():
            files[title].write_text(text, encoding="utf-8")
        elif files[title].read_text(encoding="utf-8") != text:
            raise SystemExit(f"{files[title]} holds other settings: name a new runs folder")
    return files


def pseudo_rare(folder: Path) -> float:
    info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return float(info["stages"][-1]["pseudo_rare_recall"])


def finished_seeds(runs: Path, title: str) -> dict[int, Path]:
    """Seed -> run of a row, of those that are finished."""
    folders = {seed: runs / f"{title.replace(' ', '-')}-{seed}" for seed in SEEDS}
    return {seed: folder for seed, folder in folders.items() if is_finished(folder)}


def against_full(runs: Path, title: str, where: str = "") -> Change:
    """Pseudo-rare recall of a row less that of the full preset, seed by seed."""
    ours, full = (
        {seed: pseudo_rare(folder) for seed, folder in finished_seeds(runs, row).items()}
        for row in (title, FULL)
    )
    return seeds_change(where, ours, full)


def difference(change: Change) -> str:
    """Mean difference in points with half its 95 % interval over the seeds."""
    if math.isnan(change.low):
        return f"{100 * change.value:+.1f}"
    return f"{100 * change.value:+.1f} ± {100 * (change.high - change.value):.1f}"


def table(runs: Path, titles: list[str]) -> str:
    lines = [
        "| preset | pseudo-rare recall % | against the full preset, points | "
        "rare test recall % | against the full preset, seed by seed (McNemar p) |",
        "|---|---|---|---|---|",
    ]
    full = finished_seeds(runs, FULL)
    for title in titles:
        folders = finished_seeds(runs, title)
        done = [seed for seed in folders if seed in full]
        if not done:
            continue
        recalls = [pseudo_rare(folders[k]) for k in done]
        against = difference(against_full(runs, title))
        rare, tests = [], []
        for k in done:
            ours, theirs = load_predictions(folders[k]), load_predictions(full[k])
            result = compare_predictions(ours, theirs).rare
            rare.append(float(ours.correct[ours.of_group("rare")].mean()))
            tests.append(f"{100 * result.difference:+.1f} ({result.p:.2f})")
        same = title == FULL
        lines.append(
            f"| {title} | {100 * fmean(recalls):.1f} | {'' if same else against} "
            f"| {100 * fmean(rare):.1f} | {'' if same else ', '.join(tests)} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument(
        "--runs",
        type=Path,
        nargs="+",
        default=[Path("runs/ablation")],
        help="one for each data folder",
    )
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time")
    parser.add_argument(
        "--camera", type=Path, nargs="+", help="also a preset of fit-camera, one for each folder"
    )
    parser.add_argument("--table-only", action="store_true")
    args = parser.parse_args()
    cameras = args.camera or [None] * len(args.data)
    if not len(args.data) == len(args.runs) == len(cameras):
        parser.error("give as many --runs (and --camera) as data folders")
    names = [data.resolve().name for data in args.data]
    titles: list[str] = []
    for name, data, runs, camera in zip(names, args.data, args.runs, cameras, strict=True):
        titles = train_rows(data, runs, camera, 0 if args.table_only else args.jobs)
        heading = f"## {name}\n\n" if len(names) > 1 else ""
        print(f"{heading}{table(runs, titles)}")
    if len(names) > 1:
        both = list(zip(names, args.runs, strict=True))
        judged = {
            title: [against_full(runs, title, f"{name}, pseudo-rare") for name, runs in both]
            for title in titles
            if title != FULL
        }
        print(f"\n{gains_table(judged, dict.fromkeys(judged, ()))}")


def train_rows(data: Path, runs: Path, camera: Path | None, jobs: int) -> list[str]:
    """Train what is not finished, nothing with 0 jobs; the titles of the rows."""
    runs.mkdir(parents=True, exist_ok=True)
    files = write_presets(runs, camera)
    recipe = runs / "recipe.yaml"
    text = yaml.safe_dump(RECIPE)
    if recipe.exists() and recipe.read_text(encoding="utf-8") != text:
        raise SystemExit(f"{recipe} is another recipe: name a new runs folder")
    recipe.write_text(text, encoding="utf-8")
    if jobs:
        with ThreadPoolExecutor(jobs) as pool:
            trainings = [
                pool.submit(
                    train_once,
                    data,
                    runs / f"{path.stem}-{seed}",
                    str(recipe),
                    ["--crop-size", "48", "--preset", str(path)],
                    seed,
                    1,
                )
                for seed in SEEDS
                for path in files.values()
            ]
            failed = sum(training.result() != 0 for training in trainings)
        if failed:
            raise SystemExit(f"{failed} trainings failed; see the .log files in {runs}")
    return list(files)


if __name__ == "__main__":
    main()
