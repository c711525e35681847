"""One descriptor per RTL module: `Mvtu` is `rtl/mvtu.sv`, its field `pe` is the parameter `PE`.

A stage has one AXI4-Stream in and one out. It answers what the generator, the simulator and the tests ask, and manages
nothing. Calling it on the input beats of whole frames gives the output beats that the hardware must give, bit for bit.
"""

from ..memories import RomStyle
from .cut import Binarize, Cut, ThresholdStep
from .integrate import Integrate
from .lowering import lowering, stages_of
from .maps import Pool, PoolSum, Window
from .matrix import Dense, DenseScores, Mvlu, Mvtu, ScaledScores, Scores, covers
from .passes import PassSum, Replay, Thresholding
from .stage import MODULES, Folding, FoldingError, LayerStage, Output, Parameters, Stage, divisors, unused
from .stream import DwcDown, DwcUp, Fifo, converters
from .tail import DECIDES, Argmax, ArgmaxSpread, ArgmaxTree, tail

__all__ = [
    "DECIDES",
    "MODULES",
    "Argmax",
    "ArgmaxSpread",
    "ArgmaxTree",
    "Binarize",
    "Cut",
    "Dense",
    "DenseScores",
    "DwcDown",
    "DwcUp",
    "Fifo",
    "Folding",
    "FoldingError",
    "Integrate",
    "LayerStage",
    "Mvlu",
    "Mvtu",
    "Output",
    "Parameters",
    "PassSum",
    "Pool",
    "PoolSum",
    "Replay",
    "RomStyle",
    "ScaledScores",
    "Scores",
    "Stage",
    "ThresholdStep",
    "Thresholding",
    "Window",
    "converters",
    "covers",
    "divisors",
    "lowering",
    "stages_of",
    "tail",
    "unused",
]
