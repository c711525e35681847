"""Rows as text for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any


def as_csv(found: Sequence[Mapping[str, Any]]) -> str:
    """A line for the names, which are the first row's, then one for each row; None is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(found[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue()
