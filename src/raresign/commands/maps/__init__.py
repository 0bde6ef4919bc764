"""Answers made ready for maps: positions, signs seen several times, GeoJSON, OpenStreetMap."""
