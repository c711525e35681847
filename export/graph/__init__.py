"""The net in integers: what hardware is built from, and the golden model that says what it must answer.

Edges carry *levels*, unsigned integers; beside them is said what they stand for, such as ±1. A neuron sums weights
times levels, counted from the least sum that it can have, and answers how many of its thresholds that reaches. Where
weights and inputs are ±1 the sum counts *agreeing bits*: the popcount of XNOR of a weight row and a code, 0 .. fan-in.
"""

from .conv import Conv
from .cut import Binarize, Cut
from .dense import Dense, Scores
from .layer import Layer, Shape
from .levels import BIPOLAR, GraphError, Levels
from .net import Graph
from .passes import PassScores, PassSum, SetDense
from .pool import Pool
from .steps import IntegrateDense, StepCuts

__all__ = [
    "BIPOLAR",
    "Binarize",
    "Conv",
    "Cut",
    "Dense",
    "Graph",
    "GraphError",
    "IntegrateDense",
    "Layer",
    "Levels",
    "PassScores",
    "PassSum",
    "Pool",
    "Scores",
    "SetDense",
    "Shape",
    "StepCuts",
]
