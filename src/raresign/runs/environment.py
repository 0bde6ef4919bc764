"""What a run was computed on: versions and machine."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import torch

import raresign

_PACKAGES = ("raresign", "torch", "timm", "lightning", "numpy", "pillow")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result; the commit of a checkout."""
    found = {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
    }
    commit = _commit()
    return {**found, "commit": commit} if commit else found


def _commit() -> str:
    """The commit that runs, "-dirty" where files were changed; empty if it is no checkout."""
    root = Path(raresign.__file__).parents[2]
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
    command += ["--exclude", "*"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""


def machine() -> dict[str, str | int]:
    """What the run was computed on."""
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "gpu": gpu,
    }
