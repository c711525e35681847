"""What Python calls: the verbs of the command line as functions, artefact in, artefact out.

Each does its work when it is called. A run is named by a RunFolder or by its path, a text or a Path. `open_run` is the
same for a notebook, under the name of `bitneck.open`; `notebook.swept.sweep` under that of `bitneck.sweep`.
"""

from .folder import RunFolder
from .importing import import_model
from .notebook.opened import Run, open_run
from .proof import simulate, verify
from .run import analyze, analyze_captured, build, built, export, export_vectors, report, train, trained_on
from .silicon import fold, synth, too_big

__all__ = [
    "Run",
    "RunFolder",
    "analyze",
    "analyze_captured",
    "build",
    "built",
    "export",
    "export_vectors",
    "fold",
    "import_model",
    "open_run",
    "report",
    "simulate",
    "synth",
    "too_big",
    "train",
    "trained_on",
    "verify",
]
