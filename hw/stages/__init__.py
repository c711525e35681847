"""One descriptor per RTL module: `Mvtu` is `rtl/mvtu.sv`, its field `pe` is the parameter `PE`.

A stage has one AXI4-Stream in and one out. It answers what the generator, the simulator and the tests ask, and manages
nothing. Calling it on the input beats of whole frames gives the output beats that the hardware must give, bit for bit.
"""

from ..memories import RomStyle
from .cut import Binarize
from .matrix import Dense, DenseScores, Mvtu, Scores, covers
from .stage import MODULES, Folding, FoldingError, LayerStage, Output, Parameters, Stage, divisors, lowering, stage_of
from .stream import DwcDown, DwcUp, Fifo, converters
from .tail import Argmax, ArgmaxTree

__all__ = [
    "MODULES",
    "Argmax",
    "ArgmaxTree",
    "Binarize",
    "Dense",
    "DenseScores",
    "DwcDown",
    "DwcUp",
    "Fifo",
    "Folding",
    "FoldingError",
    "LayerStage",
    "Mvtu",
    "Output",
    "Parameters",
    "RomStyle",
    "Scores",
    "Stage",
    "converters",
    "covers",
    "divisors",
    "lowering",
    "stage_of",
]
