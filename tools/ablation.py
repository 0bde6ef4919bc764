"""What each group of effects is worth: trains with one group off in turn, three seeds a row.

    python tools/ablation.py DATA --runs runs/ablation --jobs 2 [--camera camera.yaml]

Every row trains the same short recipe on the same crops; only the synthesis preset differs. Rows
that are in the runs folder are not trained again. Choices are made on the pseudo-rare classes
(frequent ones whose real crops are kept from training, others for each seed); the last columns
only report what the rare classes of the test crops would have said.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean, stdev

import yaml
from trainings import is_finished, train_once

from raresign import GROUPS, compare_predictions, load_predictions, load_preset, without

SEEDS = (0, 1, 2)
_T_95 = {2: 12.706, 3: 4.303}
"""Student's t for a 95 % interval of the mean of so many."""
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


def difference(values: list[float]) -> str:
    """Mean difference in points with its 95 % interval over the seeds."""
    points = [100 * value for value in values]
    if len(points) < 2:
        return f"{points[0]:+.1f}"
    half = _T_95[len(points)] * stdev(points) / len(points) ** 0.5
    return f"{fmean(points):+.1f} ± {half:.1f}"


def table(runs: Path, titles: list[str]) -> str:
    lines = [
        "| preset | pseudo-rare recall % | against the full preset, points | "
        "rare test recall % | against the full preset, seed by seed (McNemar p) |",
        "|---|---|---|---|---|",
    ]
    full = [runs / f"{FULL}-{seed}" for seed in SEEDS]
    for title in titles:
        folders = [runs / f"{title.replace(' ', '-')}-{seed}" for seed in SEEDS]
        done = [k for k, folder in enumerate(folders) if is_finished(folder)]
        done = [k for k in done if is_finished(full[k])]
        if not done:
            continue
        recalls = [pseudo_rare(folders[k]) for k in done]
        against = difference([pseudo_rare(folders[k]) - pseudo_rare(full[k]) for k in done])
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
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time")
    parser.add_argument("--camera", type=Path, help="also a preset of fit-camera")
    parser.add_argument("--table-only", action="store_true")
    args = parser.parse_args()
    args.runs.mkdir(parents=True, exist_ok=True)
    files = write_presets(args.runs, args.camera)
    recipe = args.runs / "recipe.yaml"
    text = yaml.safe_dump(RECIPE)
    if recipe.exists() and recipe.read_text(encoding="utf-8") != text:
        raise SystemExit(f"{recipe} is another recipe: name a new runs folder")
    recipe.write_text(text, encoding="utf-8")
    if not args.table_only:
        with ThreadPoolExecutor(args.jobs) as pool:
            jobs = [
                pool.submit(
                    train_once,
                    args.data,
                    args.runs / f"{path.stem}-{seed}",
                    str(recipe),
                    ["--crop-size", "48", "--preset", str(path)],
                    seed,
                    1,
                )
                for seed in SEEDS
                for path in files.values()
            ]
            failed = sum(job.result() != 0 for job in jobs)
        if failed:
            raise SystemExit(f"{failed} trainings failed; see the .log files in {args.runs}")
    print(table(args.runs, list(files)))


if __name__ == "__main__":
    main()
