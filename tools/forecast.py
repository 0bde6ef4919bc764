"""Puts the forecasts that `raresign protocol` learned into the package.

    raresign protocol DATA --out A --recipe R.yaml
    raresign protocol DATA --out B --recipe R.yaml --absent
    python tools/forecast.py A/table.json B/absent.json

`trained` is for classes that were trained from their icons, `added` for those of add-class.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

OUT = Path("src/raresign/fitting/forecast.json")


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    found = {}
    for name, file in zip(("trained", "added"), sys.argv[1:], strict=True):
        table = json.loads(Path(file).read_text(encoding="utf-8"))
        found[name] = table["learned"]
        print(f"{name}: {table['forecast']}")
    OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {OUT}")


if __name__ == "__main__":
    main()
