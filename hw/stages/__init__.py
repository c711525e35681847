"""One descriptor per RTL module: `Mvtu` is `rtl/mvtu.sv`, its field `pe` is the parameter `PE`.

A stage has one AXI4-Stream in and one out. It answers what the generator, the simulator and the tests ask, and manages
nothing. Calling it on the input beats of whole frames gives the output beats that the hardware must give, bit for bit.
"""

from .cut import Binarize
from .matrix import Dense, DenseScores, Mvtu, Scores, covers
from .stage import FoldingError, RomStyle, Stage, divisors
from .stream import DwcDown, DwcUp, Fifo
from .tail import Argmax, ArgmaxTree

__all__ = [
    "Argmax",
    "ArgmaxTree",
    "Binarize",
    "Dense",
    "DenseScores",
    "DwcDown",
    "DwcUp",
    "Fifo",
    "FoldingError",
    "Mvtu",
    "RomStyle",
    "Scores",
    "Stage",
    "covers",
    "divisors",
]
