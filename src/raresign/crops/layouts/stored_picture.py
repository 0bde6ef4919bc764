"""A picture that is no file of this machine: of a storage, or of a tar."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture with the name by which answers call it.

    Args:
        name: A URL, or the path in a tar behind that of the tar.
        content: The bytes of its file, or why there are none.

    Example:
        >>> str(StoredPicture("s3://bucket/1.png", "no rights to read"))
        's3://bucket/1.png'
    """

    name: str
    content: bytes | str

    def __str__(self) -> str:
        return self.name
