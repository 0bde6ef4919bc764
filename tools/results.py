"""Fills docs/results.md: trains every row of the comparison with three seeds and measures it.

    python tools/results.py DATA --runs runs/results --jobs 2 [--row "default recipe"]
    python tools/results.py GERMAN_DATA --country Germany --runs runs/germany
    python tools/results.py DATA GERMAN_DATA --country Russia Germany --runs runs/results runs/de

Rows that are already in the runs folder are not trained again, so it can be stopped and resumed.
Every row shares backbone, crop size and number of crops. `smalltest` is only measured.

Of several countries one more table is printed: the gain of each row against the default recipe in
each, and a verdict by pseudo-rare and held-out frequent crops. A row that helps one country and
hurts another is not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from result_rows import Row, country_gains, interval
from trainings import train_once

from raresign import Predictions, compare_predictions

ROWS: dict[str, tuple[str, list[str]]] = {
    "published recipe, label faults on": ("reference-faults", []),
    "published recipe, label faults off": ("reference", []),
    "default recipe, random weights": ("default", ["--weights", "none"]),
    "default recipe": ("default", []),
    "default recipe, our drawings as icons": ("default", ["--icons", "gost"]),
    "default recipe, our drawings as variants": ("default", ["--icons", "own+gost"]),
    "icons only": ("icons-only", []),
    "icons only, our drawings as variants": ("icons-only", ["--icons", "own+gost"]),
}
SEEDS = (0, 1, 2)
SHORT = ("default recipe", "icons only")


@dataclass(frozen=True)
class Part:
    """The results of one country: where they are written and what the data are."""

    page: Path
    short: str
    data: str


PARTS = {
    "Russia": Part(
        Path("docs/results.md"),
        "Russia, RTSD-R1: 67 classes, 22 of them rare",
        "RTSD-R1 in the layout `reference`, 67 classes (45 frequent, 22 rare without any real\n"
        "training crop), 8,011 training crops, 2,337 test crops (937 frequent, 1,400 rare).",
    ),
    "Germany": Part(
        Path("docs/results-germany.md"),
        "Germany, GTSRB: 43 classes, 14 of them rare",
        "training crops of GTSRB, divided by physical sign, in the layout `reference`, 43 classes\n"
        "(29 frequent, 14 rare without any real training crop), 4,300 training crops, 1,503 test\n"
        "crops (517 frequent, 986 rare).",
    ),
}
SIZE = ["--crop-size", "64"]


def run_folder(runs: Path, recipe: str, extra: list[str], seed: int) -> Path:
    return runs / "-".join([recipe, *(word.strip("-") for word in extra), str(seed)])


def finished_rows(runs: Path) -> dict[str, Row]:
    rows = {}
    for title, (recipe, extra) in ROWS.items():
        folders = [run_folder(runs, recipe, extra, seed) for seed in SEEDS]
        finished = [f for f in folders if (f / "evaluation" / "predictions.parquet").exists()]
        if finished:
            rows[title] = Row(title, finished)
    return rows


def full_table(rows: dict[str, Row]) -> str:
    lines = [
        "| row | options | all % | rare % | freq % | rare called frequent % | ECE % "
        "| classifier alone, rare / freq % | prototypes alone | forecast: correlation, error in "
        "points, held by its interval | pseudo-rare % | crops trained on | seeds | minutes a run |",
        "|" + "---|" * 14,
    ]
    for title, row in rows.items():
        recipe, extra = ROWS[title]
        cells = " | ".join(row.cell(group) for group in ("all", "rare", "freq"))
        lines.append(
            f"| {title} | `{' '.join(['--recipe', recipe, *extra])}` | {cells} "
            f"| {row.as_frequent()} | {row.calibration()} | {row.alone('classifier')} "
            f"| {row.alone('prototypes')} | {row.forecast()} | {row.pseudo_rare()} "
            f"| {row.crops():,} | {len(row.predictions)} | {row.minutes()} |"
        )
    return "\n".join(lines)


def short_lines(rows: dict[str, Row], label: str) -> list[str]:
    """The lines of one country in the table of README.md."""
    return [
        f"| {label} | {title} | {rows[title].cell('rare')} | {rows[title].cell('freq')} |"
        for title in SHORT
        if title in rows
    ]


def with_lines(table: str, label: str, lines: list[str]) -> str:
    """The table of README.md with the lines of one country replaced, those of others kept."""
    kept = table.strip().splitlines()
    places = [number for number, line in enumerate(kept) if line.startswith(f"| {label} |")]
    start = places[0] if places else len(kept)
    rest = [line for line in kept[start:] if not line.startswith(f"| {label} |")]
    return "\n".join([*kept[:start], *lines, *rest])


def comparisons(rows: dict[str, Row]) -> str:
    """The default recipe against each other row, crop by crop, seed by seed."""
    best = rows.get("default recipe")
    lines = []
    for title, row in rows.items():
        if best is None or row is best:
            continue
        for seed, (ours, theirs) in enumerate(zip(best.predictions, row.predictions, strict=False)):
            rare = compare_predictions(ours, theirs).rare
            lines.append(
                f"| {title} | {seed} | {100 * rare.difference:+.1f} "
                f"({interval(rare.low, rare.high)}) | {rare.p:.1e} |"
            )
    head = "| default recipe against | seed | rare recall, points | McNemar p |\n|---|---|---|---|"
    return "\n".join([head, *lines])


def by_class(rows: dict[str, Row]) -> str:
    """Rare classes whose mean recall differs by 3 points or more from the default recipe's."""
    best = rows["default recipe"]
    lines = [
        "| row | rare class | crops | recall % | default recipe % | points |",
        "|" + "---|" * 6,
    ]
    for title, row in rows.items():
        found = []
        ours, theirs = (recalls(r.predictions) for r in (row, best))
        for code in (code for code in ours if code in theirs):
            crops, value, other = ours[code][0], ours[code][1], theirs[code][1]
            if abs(value - other) >= 3:
                cells = f"{crops} | {value:.1f} | {other:.1f} | {value - other:+.1f}"
                found.append((value - other, f"| {title} | {code} | {cells} |"))
        lines += [line for _, line in sorted(found)]
    return "\n".join(lines)


def recalls(runs: list[Predictions]) -> dict[str, tuple[int, float]]:
    """Rare class -> crops, recall in percent, mean over the seeds."""
    hits: dict[str, list[float]] = {}
    for predictions in runs:
        right = predictions.probabilities.argmax(1) == predictions.labels
        for label, code in enumerate(predictions.codes):
            own = predictions.labels == label
            if predictions.types[label] == "rare" and own.any():
                hits.setdefault(code, [float(own.sum())]).append(100 * float(right[own].mean()))
    return {code: (int(values[0]), fmean(values[1:])) for code, values in hits.items()}


PAGE = """# Results on real crops

Written by `make results` (`tools/results.py`); [measurements.md](measurements.md) explains it.

Data: {data} Backbone
`mobilenetv2_100` at 64 px in every row, with its ImageNet weights from a package unless said
otherwise. Seeds {seeds}: mean ± standard deviation, in brackets the 95 % interval over crops and
seeds. Test crops are measured only; checkpoints are chosen on pseudo-rare classes.

Each row: `raresign train DATA --out RUN OPTIONS --backbone mobilenetv2_100 --crop-size 64
--accelerator cpu --seed N`. Two runs at a time with one thread each; machine: `{machine}`;
versions: `{versions}`. Minutes include data, evaluation and report.

{table}

*pseudo-rare*: recall on real crops of frequent classes that were held out and played rare, at the
end of the stage that held them out. The published recipe holds none out.

## The same crops, one by one

{paired}
"""

START, END = "<!-- results: written by tools/results.py -->", "<!-- /results -->"


def write_pages(runs: Path, part: Part, readme: Path) -> None:
    rows = finished_rows(runs)
    if not rows:
        sys.exit(f"no finished run in {runs}")
    info = next(iter(rows.values())).infos[0]
    page = PAGE.format(
        data=part.data,
        seeds=", ".join(map(str, SEEDS)),
        machine=json.dumps(info["machine"]),
        versions=json.dumps(info["versions"]),
        table=full_table(rows),
        paired=comparisons(rows),
    )
    part.page.write_text(page, encoding="utf-8")
    before, _, rest = readme.read_text(encoding="utf-8").partition(START)
    table, _, after = rest.partition(END)
    table = with_lines(table, part.short, short_lines(rows, part.short))
    readme.write_text(f"{before}{START}\n{table}\n{END}{after}", encoding="utf-8")
    print(f"wrote {part.page} and the table in {readme}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument(
        "--runs",
        type=Path,
        nargs="+",
        default=[Path("runs/results")],
        help="one for each data folder",
    )
    parser.add_argument(
        "--country",
        choices=list(PARTS),
        nargs="+",
        default=["Russia"],
        help="one for each data folder",
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--tables-only", action="store_true", help="train nothing")
    parser.add_argument(
        "--row", action="append", choices=list(ROWS), help="only these rows, printed"
    )
    options = parser.parse_args()
    countries = options.country
    if not len(options.data) == len(options.runs) == len({*countries}) == len(countries):
        parser.error("give one --runs and one --country for each data folder")
    chosen = {title: ROWS[title] for title in options.row or ROWS}
    if not options.tables_only:
        for data, runs in zip(options.data, options.runs, strict=True):
            train_rows(data, runs, chosen, options.jobs)
    for runs, country in zip(options.runs, countries, strict=True):
        if not options.row:
            write_pages(runs, PARTS[country], Path("README.md"))
            continue
        rows = {t: row for t, row in finished_rows(runs).items() if t in chosen}
        if len(countries) > 1:
            print(f"\n## {country}\n")
        print(full_table(rows))
        if "default recipe" in rows and len(rows) > 1:
            print(f"\n{comparisons(rows)}\n\n{by_class(rows)}")
    if len(countries) > 1:
        both = zip(countries, options.runs, strict=True)
        print(f"\n{country_gains({country: finished_rows(runs) for country, runs in both})}")


def train_rows(data: Path, runs: Path, rows: dict[str, tuple[str, list[str]]], jobs: int) -> None:
    """Train what is not finished."""
    threads = max((os.cpu_count() or 1) // jobs, 1)
    codes: list[Future[int]] = []
    with ThreadPoolExecutor(jobs) as pool:
        for seed in SEEDS:
            for recipe, extra in rows.values():
                out = run_folder(runs, recipe, extra, seed)
                job = (data, out, recipe, [*SIZE, *extra], seed, threads)
                codes.append(pool.submit(train_once, *job))
    if any(code.result() for code in codes):
        sys.exit(f"a run failed; see the logs in {runs}")


if __name__ == "__main__":
    main()
