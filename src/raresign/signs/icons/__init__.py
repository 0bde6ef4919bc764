"""Icon files: PNG, checked SVG, templates with lettering."""
