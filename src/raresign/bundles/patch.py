"""A patch: what changed in a bundle since an earlier one. A new sign is a small file to send."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raresign.bundles.archive import KEPT, NOT_FACTS, SUFFIX, read_archive, refuse, write_archive
from raresign.bundles.bundle import Bundle, check_suffix
from raresign.errors import InputError
from raresign.storage.places import as_path, file_name

PATCH_SUFFIX = f"{SUFFIX}-patch"


def write_patch(
    path: str | Path, base: Bundle, parts: Mapping[str, bytes], facts: Mapping[str, Any]
) -> None:
    """Write what makes a bundle of `parts` and `facts` out of `base`.

    Args:
        path: Of the file.
        base: The bundle that is out there.
        parts: Of the new bundle.
        facts: Of its manifest.

    Raises:
        InputError: The name of the file has another ending.
        OSError: It cannot be written.
    """
    if Path(file_name(path)).suffix.lower() != PATCH_SUFFIX:
        raise InputError(f"{path}: a patch's name ends with {PATCH_SUFFIX}", "give such a name")
    same = [name for name, content in parts.items() if base.parts.get(name) == content]
    kept = {name: hashlib.sha256(parts[name]).hexdigest() for name in sorted(same)}
    changed = {name: content for name, content in parts.items() if name not in kept}
    write_archive(path, changed, {**facts, KEPT: kept})


def patch_bundle(bundle: str | Path, patch: str | Path, out: str | Path) -> Path:
    """Apply a patch; needs no torch. The result is what an export of the changed run would be.

    Args:
        bundle: The bundle that the patch was made for; it stays as it is.
        patch: The file that `export` wrote.
        out: The new bundle.

    Returns:
        The new bundle.

    Raises:
        InputError: A damaged file, a patch for another bundle, or a wrong name.
    """
    check_suffix(out)
    base = Bundle.open(bundle)
    facts, changed = read_archive(patch)
    kept = facts.get(KEPT)
    if not isinstance(kept, dict):
        refuse(patch, "it is no patch")
    parts = dict(changed)
    for name, sha256 in kept.items():
        if name in parts or base.facts["parts"].get(name, {}).get("sha256") != sha256:
            raise InputError(
                f"{patch} is no patch for {bundle}: its {name} is another",
                "take the bundle that it was made for, or the whole new one",
            )
        parts[name] = base.parts[name]
    told = {name: value for name, value in facts.items() if name not in (*NOT_FACTS, KEPT)}
    Bundle(Path(patch), told, parts).recogniser()  # tells what is wrong before anything is written
    write_archive(out, parts, told)
    return as_path(out)
