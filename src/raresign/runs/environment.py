"""What a run was computed on: versions and machine."""

from __future__ import annotations

import os
import platform
from importlib import metadata

import torch

_PACKAGES = ("raresign", "torch", "timm", "lightning", "numpy", "pillow")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    return {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
    }


def machine() -> dict[str, str | int]:
    """What the run was computed on."""
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "gpu": gpu,
    }
