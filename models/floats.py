"""What a float net says, as it is: nothing is binned here, because every bin width gives another information."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class FloatsError(ValueError):
    """Arrays that are no trace of a float net."""


@dataclass(frozen=True, eq=False)
class FloatTrace:
    """Everything a float net said about n samples: each hidden layer's activations, input to output, and its logits.

    activations   (n, width) float32 by layer, named as the layers of the 1-bit net of the same shape are
    scores        (n, classes) float32 logits. The predicted class is the first maximum.
    """

    activations: Mapping[str, NDArray[np.float32]]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name, values in self.layers().items():
            if values.ndim != 2 or values.dtype != np.float32 or len(values) != len(self.scores):
                wanted = f"({len(self.scores)}, width) float32"
                raise FloatsError(f"{name}: {wanted} needed, got {values.shape} {values.dtype}")

    def __len__(self) -> int:
        return len(self.scores)

    def predictions(self) -> NDArray[np.int64]:
        """(n,) class index; the first maximum wins."""
        return self.scores.argmax(axis=1)

    def layers(self) -> dict[str, NDArray[np.float32]]:
        """Every layer's emission: the hidden activations, then `scores`."""
        return {**self.activations, "scores": self.scores}

    def arrays(self) -> dict[str, NDArray]:
        """For one .npz file; `from_arrays` reads it back."""
        names = np.array(list(self.activations), dtype=np.str_)
        values = {f"activations/{name}": values for name, values in self.activations.items()}
        return {"source": np.array("float"), "names": names, "scores": self.scores, **values}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> FloatTrace:
        try:
            activations = {str(name): arrays[f"activations/{name}"] for name in arrays["names"]}
            return cls(activations, arrays["scores"])
        except KeyError as error:
            raise FloatsError(f"not a trace of a float net: {error.args[0]} is missing") from None
