"""What the package can show without any data of the user: made backgrounds and simulated photos."""

from raresign.embedded.backgrounds import procedural_backgrounds
from raresign.embedded.demo import write_demo
from raresign.embedded.photo import simulated_photo

__all__ = [
    "procedural_backgrounds",
    "simulated_photo",
    "write_demo",
]
