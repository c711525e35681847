"""The net in integers and bits: what hardware is built from, and the golden model that says what it must answer.

A graph is a chain. `Binarize` (only where pixels have more than one bit), then any number of `Dense`, then `Scores`.
Everything counts in *agreeing bits*: the popcount of XNOR between a weight row and a code, 0 .. fan-in.
"""

from .binarize import Binarize
from .dense import Dense, Scores
from .layer import GraphError, Layer
from .net import Graph

__all__ = ["Binarize", "Dense", "Graph", "GraphError", "Layer", "Scores"]
