"""What 1, 3 and 10 photos of a rare class gain, and cost the others: a table for a run.

    python tools/photos.py RUN DATA

RUN was trained with DATA, whose test crops must not be the country's own `smalltest`: use a fold
folder, in which frequent classes play rare and the test crops are real crops held out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from raresign.commands.data_folder import open_test
from raresign.crops.squashing import squashed_chunks
from raresign.lab.protocol.photo_trial import COUNTS, gains_rows, photo_gains
from raresign.runs.run_folder import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=0, help="crops a class at most; 0: all")
    given = parser.parse_args()
    recogniser = RunFolder.open(given.run).recogniser()
    table = open_test(given.data, recogniser.catalogue)
    if table is None:
        raise SystemExit(f"{given.data} holds no test crops")
    keep = table.labels >= 0
    if given.most:
        random = np.random.default_rng(given.seed)
        for label in np.unique(table.labels):
            rows = random.permutation(np.flatnonzero(table.labels == label))
            keep[rows[given.most :]] = False
    table = table.filter(keep)
    size, framing = recogniser.encoder.crop_size, recogniser.framing
    embeddings, labels = [], []
    for chunk in squashed_chunks(table, size, framing):
        if chunk.rows:
            embeddings.append(recogniser.encoder.embed(chunk.crops))
        labels.append(table.labels[chunk.rows])
    rare = [k for k, sign in enumerate(recogniser.catalogue.classes) if sign.type == "rare"]
    found = photo_gains(
        recogniser.head,
        np.concatenate(embeddings),
        np.concatenate(labels),
        rare,
        COUNTS,
        given.seed,
    )
    print("\n".join(gains_rows(found)))


if __name__ == "__main__":
    main()
