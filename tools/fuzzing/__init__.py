"""Wrong inputs for every reader of raresign; `python tools/fuzz.py` runs them."""
