"""raresign: a traffic-sign classifier for signs that nobody has photographed.

The public API is flat (`__init__.pyi` lists it); every name is loaded when it is first used, so
`import raresign` is quick.

Example:
    >>> import raresign
    >>> "train" in dir(raresign)
    True
"""

import os
from typing import Any

import lazy_loader

from raresign.errors import missing_library

__version__ = "0.1.0"

# onnxruntime sends what it is used for to its maker unless told otherwise before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    """A public name, loaded now; tells what to install where a library is missing."""
    try:
        return _load(name)
    except ModuleNotFoundError as error:
        raise missing_library(error, f"raresign.{name}") from error
