"""What the package can show without any data of the user: drawn signs and simulated photos."""

from raresign.embedded.backgrounds import procedural_backgrounds
from raresign.embedded.demo import write_demo, write_icons
from raresign.embedded.photo import simulated_photo
from raresign.embedded.render import render_sign
from raresign.embedded.signs import embedded_codes, sign_svg, sign_types

__all__ = [
    "embedded_codes",
    "procedural_backgrounds",
    "render_sign",
    "sign_svg",
    "sign_types",
    "simulated_photo",
    "write_demo",
    "write_icons",
]
