"""Rows of plain numbers as a DataFrame, where pandas is installed; nothing else of ours needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas


class DataFrameError(ValueError):
    """There is no pandas here."""


def data_frame(rows: Sequence[Mapping[str, Any]]) -> pandas.DataFrame:
    """A row each, columns in the order of the first row that has them; None becomes what pandas has for it."""
    try:
        import pandas
    except ModuleNotFoundError as error:
        if error.name != "pandas":
            raise
        raise DataFrameError(
            "pandas is not installed here; `pip install 'bitneck[pandas]'` brings it, and .rows() does without"
        ) from None
    return pandas.DataFrame(list(rows))
