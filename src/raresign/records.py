"""Results as tables: Arrow always, pandas where it is installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raresign.errors import InputError


def to_arrow(results: Any) -> Any:
    """A table with one row a result.

    Args:
        results: Mappings, or what has an `as_dict`: the answers of `predict`, the rows of
            `catalogue_rows`, ...; or one alone.

    Raises:
        InputError: Something else.

    Example:
        >>> to_arrow([{"code": "1.1", "crops": 3}, {"code": "1.2", "crops": 0}]).num_rows
        2
    """
    import pyarrow as pa  # takes a while to import

    rows = []
    for one in [results] if hasattr(results, "as_dict") else results:
        if not isinstance(one, Mapping) and not hasattr(one, "as_dict"):
            raise InputError(f"a {type(one).__name__} is no result", "give rows with as_dict()")
        rows.append(one if isinstance(one, Mapping) else one.as_dict())
    return pa.Table.from_pylist(rows)


def to_arrow_columns(columns: Mapping[str, Any]) -> Any:
    """A table of named columns: lists or NumPy arrays of one length."""
    import pyarrow as pa

    return pa.table(dict(columns))


def to_pandas(results: Any) -> Any:
    """A pandas DataFrame with one row a result, see `to_arrow`.

    Raises:
        InputError: pandas is not installed.
    """
    return frame_of(to_arrow(results))


def frame_of(table: Any) -> Any:
    """A pandas DataFrame of an Arrow table.

    Raises:
        InputError: pandas is not installed.
    """
    try:
        return table.to_pandas()
    except ImportError as error:
        raise InputError("pandas is not installed", "pip install pandas, or to_arrow()") from error
