"""What `bitneck train` prints of each feature that was cut into levels."""

from __future__ import annotations

from rich.table import Table

from ...models.quantisation import Loss

HEAD = ("feature", "least", "greatest", "values", "levels", "clipped in test")
SHOWN = 40  # features; all of them are in data.json


def loss_table(loss: Loss, bits: int) -> Table:
    """A row a feature."""
    table = Table(*HEAD, box=None, header_style="bold", pad_edge=False)
    for feature in loss.features[:SHOWN]:
        ends = f"{feature.low:.6g}", f"{feature.high:.6g}"
        table.add_row(
            feature.name, *ends, f"{feature.values:,}", f"{feature.levels} of {1 << bits}", f"{feature.clipped:,}"
        )
    if len(loss.features) > SHOWN:
        table.add_row(f"… {len(loss.features) - SHOWN:,} more in data.json")
    return table
