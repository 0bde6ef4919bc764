"""Outlines of sign plates as SVG elements without their end, in mm; y points down."""

from __future__ import annotations

import math


def disc(inset: float = 0) -> str:
    """A disc of 700 mm, made smaller by `inset`.

    Example:
        >>> disc(10)
        'circle cx="350" cy="350" r="340"'
    """
    return f'circle cx="350" cy="350" r="{350 - inset:g}"'


def rectangle(width: float, height: float, inset: float = 0, corner: float = 45) -> str:
    """A rectangle with round corners, `corner` the radius of the outermost outline."""
    return (
        f'rect x="{inset:g}" y="{inset:g}" width="{width - 2 * inset:g}" '
        f'height="{height - 2 * inset:g}" rx="{max(corner - inset, 0):g}"'
    )


def octagon(inset: float = 0) -> str:
    """Regular octagon 700 mm between opposite sides."""
    radius = (350 - inset) / math.cos(math.pi / 8)
    angles = [math.pi * (2 * k + 1) / 8 for k in range(8)]
    corners = (f"{350 + radius * math.cos(a):.1f},{350 + radius * math.sin(a):.1f}" for a in angles)
    return f'polygon points="{" ".join(corners)}"'


def triangle(inset: float = 0, corner: float = 45) -> str:
    """Equilateral triangle of side 900 mm with round corners; in a drawing of 834 x 735 mm."""
    inner = 260 - inset - corner  # inradius of the triangle through the corners' centres
    cos30, sin30 = math.cos(math.pi / 6), 0.5
    centres = [(417, 475 - 2 * inner), (417 + 2 * inner * cos30, 475 + inner)]
    centres.append((417 - 2 * inner * cos30, 475 + inner))
    normals = [(-cos30, -sin30), (cos30, -sin30), (0.0, 1.0)]  # of left, right and bottom side
    path = ""
    for (x, y), before, after in zip(centres, normals, normals[1:] + normals[:1], strict=True):
        path += f"{'L' if path else 'M'}{x + corner * before[0]:.1f} {y + corner * before[1]:.1f}"
        path += f"A{corner} {corner} 0 0 1 "
        path += f"{x + corner * after[0]:.1f} {y + corner * after[1]:.1f}"
    return f'path d="{path}Z"'


def diamond(half: float, corner: float = 0) -> str:
    """A square on its corner around (350, 350), `half` its half side."""
    return (
        f'rect x="{350 - half:g}" y="{350 - half:g}" width="{2 * half:g}" '
        f'height="{2 * half:g}" rx="{corner:g}" transform="rotate(45 350 350)"'
    )


def filled(shape: str, colour: str) -> str:
    """A shape painted in a colour of the palette."""
    return f'<{shape} fill="{colour}"/>'


def outlined(shape: str, colour: str, width: float) -> str:
    """A shape drawn as a line."""
    return f'<{shape} fill="none" stroke="{colour}" stroke-width="{width:g}"/>'
