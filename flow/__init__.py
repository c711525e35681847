"""What Python calls: the verbs of the command line as functions, artefact in, artefact out."""

from .folder import RunFolder
from .importing import import_model
from .proof import simulate, verify
from .run import analyze, analyze_captured, build, built, export, export_vectors, report, train, trained_on
from .silicon import fold, synth, too_big

__all__ = [
    "RunFolder",
    "analyze",
    "analyze_captured",
    "build",
    "built",
    "export",
    "export_vectors",
    "fold",
    "import_model",
    "report",
    "simulate",
    "synth",
    "too_big",
    "train",
    "trained_on",
    "verify",
]
