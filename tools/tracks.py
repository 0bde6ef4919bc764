"""How much better a physical sign is read when its crops are joined, and how sure that is.

    python tools/tracks.py RUN CROPS

CROPS has a folder a class; the name of a crop begins with its track: `12/00003_00005.png` is of
track 00003. The run must not have been trained on them: take a run of icons alone, or classes that
it held out (`--classes 12,25`).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

import raresign
from raresign.answers.answer import FileAnswer
from raresign.commands.maps.joined_signs import Evidence
from raresign.evaluation.calibration import reliability
from raresign.evaluation.intervals import wilson_interval

POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("crops", type=Path)
    parser.add_argument("--classes", default="")
    given = parser.parse_args()
    model = raresign.load(given.run)
    asked = [code for code in given.classes.split(",") if code]
    folders = [one for one in sorted(given.crops.iterdir()) if not asked or one.name in asked]
    answers: dict[tuple[str, str], list[FileAnswer]] = defaultdict(list)
    for folder in folders:
        for answer in model.answer(iter(sorted(folder.glob("*.png")))):
            track = Path(answer.path).stem.partition("_")[0]
            answers[folder.name, track].append(answer)
    crops = [(code, one) for (code, _track), seen in answers.items() for one in seen]
    _tell("crop by crop", [code for code, _one in crops], [one for _code, one in crops])
    for power in POWERS:
        joined = []
        for seen in answers.values():
            evidence = Evidence()
            for answer in seen:
                evidence.add(answer)
            joined.append(evidence.joined(power=power))
        _tell(f"signs, crops ** {power:g}", [code for code, _track in answers], joined)


def _tell(what: str, codes: list[str], answers: list[FileAnswer]) -> None:
    pairs = list(zip(codes, answers, strict=True))
    right = np.array([one.answers[0].code == code for code, one in pairs])
    sure = [one.answers[0].probability for one in answers]
    own = [
        next((guess.probability for guess in one.answers if guess.code == code), 1e-6)
        for code, one in pairs
    ]
    low, high = wilson_interval(int(right.sum()), len(right))
    print(
        f"{what}: {len(right)}, recall {100 * right.mean():.1f} % "
        f"({100 * low:.1f} to {100 * high:.1f}), calibration error "
        f"{100 * reliability(sure, right).ece:.1f} %, "
        f"mean -log p {-np.log(np.maximum(own, 1e-6)).mean():.4f}"
    )


if __name__ == "__main__":
    main()
