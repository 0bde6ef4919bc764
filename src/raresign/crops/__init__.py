"""Real crops: decoding, packing, splits and background photos."""
