"""How near crops of one physical sign are, and crops of two: what `finding/same_sign.py` goes by.

    python tools/same_sign.py DATA/cropped-train [--run RUN] [--most 8]

Reads DATA/CLASS/TRACK_FRAME.png, as GTSRB names its crops, and prints for pairs of crops of one
class: the share of pairs that would be taken for one sign, of one track and of two tracks.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import raresign
from raresign.crops.layouts.plain_layouts import from_files
from raresign.finding.vectors import units

_COSINES = (0.9, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)
_BITS = (64, 20, 6, 4, 2, 1, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--run", default="built-in")
    parser.add_argument("--most", type=int, default=8, help="tracks of a class")
    asked = parser.parse_args()
    files: list[Path] = []
    for folder in sorted(path for path in asked.data.iterdir() if path.is_dir()):
        tracks = sorted({file.name.split("_")[0] for file in folder.glob("*.png")})[: asked.most]
        files += [file for track in tracks for file in sorted(folder.glob(f"{track}_*.png"))]
    with tempfile.TemporaryDirectory() as place:
        index = raresign.CropIndex(place, raresign.load(asked.run))
        index.update(from_files(files))
        rows, alive = index.rows()
        crops = index.crops(np.flatnonzero(alive).tolist())
        unit = units(rows[[crop.row for crop in crops]])
    near = unit @ unit.T
    looks = np.array([crop.look for crop in crops]).view(np.uint64)
    apart = np.bitwise_count(looks[:, None] ^ looks[None])
    classes = np.array([Path(crop.path).parent.name for crop in crops])
    tracks = np.array([Path(crop.path).name.split("_")[0] for crop in crops])
    frames = np.array([int(Path(crop.path).stem.split("_")[1]) for crop in crops])
    upper = np.triu(np.ones_like(near, bool), 1) & (classes[:, None] == classes[None])
    one = upper & (tracks[:, None] == tracks[None])
    next_ = one & (np.abs(frames[:, None] - frames[None]) <= 3)
    two = upper & ~one
    print(
        f"{len(crops)} crops; pairs of one track {one.sum():,}, next frames {next_.sum():,}, "
        f"of two tracks {two.sum():,}"
    )
    print("cosine  bits  one track  next frames  two tracks")
    for cosine in _COSINES:
        for bits in _BITS:
            same = (near >= cosine) & (apart <= bits)
            shares = [100 * same[pairs].mean() for pairs in (one, next_, two)]
            print(
                f"{cosine:6}  {bits:4}  {shares[0]:8.1f} %  {shares[1]:9.1f} %  {shares[2]:8.3f} %"
            )


if __name__ == "__main__":
    main()
