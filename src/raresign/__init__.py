"""raresign: a traffic-sign classifier for signs that nobody has photographed.

The public API is flat (`__init__.pyi` lists it); every name is loaded when it is first used, so
`import raresign` is quick.

Example:
    >>> import raresign
    >>> "train" in dir(raresign)
    True
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
