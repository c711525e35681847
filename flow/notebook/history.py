"""What a training has said, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ...ib_analysis.data_frame import data_frame
from ...models.history import Epoch

if TYPE_CHECKING:
    import pandas

COLUMNS = ("epoch", "loss", "train_accuracy", "test_accuracy")
SHOWN = 8  # epochs of a notebook's table, spread over all


@dataclass(frozen=True, repr=False)
class History:
    """epochs    from 0, the untrained net, to the last one trained; none of a net that was imported
    planned   how many there will be
    """

    epochs: tuple[Epoch, ...]
    planned: int

    @property
    def last(self) -> Epoch | None:
        return self.epochs[-1] if self.epochs else None

    @property
    def done(self) -> bool:
        """Every planned epoch is trained; `train` goes on where not."""
        return self.last is not None and self.last.epoch >= self.planned

    def rows(self) -> list[dict[str, Any]]:
        """epoch, loss (nats), train_accuracy and test_accuracy (0 .. 1) of every epoch."""
        return [{name: value for name, value in asdict(epoch).items() if name in COLUMNS} for epoch in self.epochs]

    def to_pandas(self) -> pandas.DataFrame:
        """The same as a DataFrame. Raises DataFrameError where pandas is not installed."""
        return data_frame(self.rows())

    def __len__(self) -> int:
        return len(self.epochs)

    def __repr__(self) -> str:
        if self.last is None:
            return "History(no epoch trained)"
        trained = f"{self.last.epoch:,} of {self.planned:,} epochs"
        return f"History({trained}, loss {self.last.loss:.3f}, test accuracy {self.last.test_accuracy:.2%})"

    def _repr_html_(self) -> str:
        if self.last is None:
            return repr(self)
        from matplotlib.figure import Figure

        from ...ib_analysis.pictures.in_notebook import image, table
        from ...ib_analysis.pictures.on_axes import accuracy_over_epochs

        figure = Figure(figsize=(5.4, 3.2), layout="constrained")
        accuracy_over_epochs(self.rows(), figure.subplots())
        head = ("epoch", "loss", "training set right", "test set right")
        cells = [
            (f"{row.epoch:,}", f"{row.loss:.3f}", f"{row.train_accuracy:.2%}", f"{row.test_accuracy:.2%}")
            for row in _spread(self.epochs)
        ]
        said = repr(self).removeprefix("History(").removesuffix(")")
        return image(figure, "accuracy over epochs") + table(head, cells, said)


def _spread(epochs: Sequence[Epoch]) -> list[Epoch]:
    """At most SHOWN of them, the first and the last among them."""
    places = {round(step * (len(epochs) - 1) / (SHOWN - 1)) for step in range(SHOWN)}
    return [epochs[place] for place in sorted(places)]
