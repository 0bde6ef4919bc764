"""The classes of YOLO labels: a data.yaml, or a text with one class a line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from raresign.crops.layouts.text_files import read_text
from raresign.errors import InputError
from raresign.parsing import parse_yaml

NAMES_FILES = (
    "classes.txt",
    "obj.names",
    "labels.txt",
    "predefined_classes.txt",
    "_darknet.labels",
)
_HINT = "put a data.yaml with names or a classes.txt with one class a line beside the folders"


def find_names(root: Path) -> Path:
    """The file with the class names of a folder: in it, in `labels`, or one above.

    Raises:
        InputError: There is none.
    """
    for folder in (root, root / "labels", root.parent, root.parent / "labels"):
        if folder.is_dir():
            yamls = sorted(path for path in folder.iterdir() if _is_data_yaml(path))
            texts = [folder / name for name in NAMES_FILES if (folder / name).is_file()]
            texts += sorted(folder.glob("*.names"))
            if found := [*yamls, *texts]:
                return found[0]
    raise InputError(f"{root} has no class names", _HINT)


def _is_data_yaml(path: Path) -> bool:
    """Whether a file is a YAML with `names`."""
    if path.suffix.lower() not in (".yaml", ".yml") or path.name.startswith("."):
        return False
    return "names" in read_yaml(path)


def read_yaml(path: Path) -> Mapping[str, Any]:
    """A data.yaml; every scalar stays the text that it is: the class "1.10" is no number.

    Raises:
        InputError: It is no YAML, or no mapping.
    """
    try:
        content = parse_yaml(read_text(path), texts_only=True)
    except ValueError as error:
        raise InputError(f"cannot read the class names of {path}: {error}"[:600], _HINT) from error
    except InputError as error:
        raise InputError(f"cannot read the class names: {error.problem}", _HINT) from error
    if not isinstance(content, Mapping):
        raise InputError(f"{path} holds no names", _HINT)
    return content


def class_names(given: Sequence[str] | str | Path) -> dict[int, str]:
    """Class codes by number: of a list, a text with one a line, or the `names` of a data.yaml.

    Raises:
        InputError: The file cannot be read or has no names.

    Example:
        >>> class_names(["1.1", "1.10"])
        {0: '1.1', 1: '1.10'}
    """
    if not isinstance(given, (str, Path)):
        return {number: str(name) for number, name in enumerate(given)}
    path = Path(given)
    if path.suffix.lower() in (".yaml", ".yml"):
        return _yaml_names(path)
    try:
        lines = [_unquoted(line.strip()) for line in read_text(path).splitlines()]
    except InputError as error:
        raise InputError(f"cannot read the class names: {error.problem}", error.hint) from error
    while lines and not lines[-1]:
        lines.pop()
    if "" in lines:
        raise InputError(
            f"{path}, line {lines.index('') + 1} is empty, so the numbers of the classes behind it "
            "are not certain",
            "write a class into it or remove it, as the labels count",
        )
    return dict(enumerate(_without_numbers(lines)))


def _without_numbers(lines: Sequence[str]) -> list[str]:
    """Names without their own numbers, where every line begins with its number from 0 on.

    Example:
        >>> _without_numbers(["0 stop", "1: go"]), _without_numbers(["20 km/h", "30 km/h"])
        (['stop', 'go'], ['20 km/h', '30 km/h'])
    """
    found = [re.fullmatch(r"(\d+)[\s:,;=]+(\S.*)", line) for line in lines]
    numbered = [match for match in found if match]
    if len(numbered) < 2 or [match[1] for match in numbered] != [*map(str, range(len(lines)))]:
        return list(lines)
    return [match[2] for match in numbered]


def _unquoted(line: str) -> str:
    """A name without quotes around the whole of it."""
    quoted = len(line) > 2 and line[0] == line[-1] and line[0] in "'\""
    return line[1:-1] if quoted else line


def is_number(text: str) -> bool:
    """Whether a text is a class number of some sense."""
    return text.isdecimal() and len(text) < 10


def _yaml_names(path: Path) -> dict[int, str]:
    names = read_yaml(path).get("names")
    if isinstance(names, list):
        return {number: str(name) for number, name in enumerate(names)}
    if isinstance(names, Mapping):
        wrong = [str(key)[:40] for key in names if not is_number(str(key))]
        if wrong:
            raise InputError(f"{path}: '{wrong[0]}' in names is no class number", _HINT)
        return {int(str(key)): str(name) for key, name in names.items()}
    if isinstance(names, str) and names:
        return class_names(path.parent / names)
    raise InputError(f"{path} has no list 'names'", _HINT)


def missing_name(number: str, names: Mapping[int, str], where: str) -> InputError:
    """The error of a class number without a name."""
    numbers = sorted(names)
    if numbers == list(range(len(numbers))):
        there = f"there are {len(numbers)} names"
    else:
        gaps = islice((str(gap) for gap in range(numbers[-1]) if gap not in names), 20)
        there = f"the names are {', '.join(map(str, numbers[:20]))}; {', '.join(gaps)} lack one"
    return InputError(
        f"{where}: class {number}, but {there}", "give the names that belong to these labels"
    )
