"""One-bit networks on FPGAs, proven bit-exact, and what their layers remember: `import bitneck as bn`.

    run = bn.open("runs/digits")                # .train() .export() .build() .simulate() .analyze() .report()
    bn.plane({"layer1": bits}, labels)          # information plane of anybody's codes
    bn.plots                                    # pictures of both, each on the axes that it is given
    @bn.activation("mine")                      # or bn.dataset, bn.labels, bn.target: known by this name from here on

Nothing is imported before it is asked for: `docs/python.md` shows all of it.
"""

from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .flow import board as board
    from .flow.importing import import_model as import_model
    from .flow.notebook.opened import Run as Run
    from .flow.notebook.opened import open_run as open
    from .flow.notebook.swept import sweep as sweep
    from .ib_analysis.codes import Codes as Codes
    from .ib_analysis.pictures import on_axes as plots
    from .ib_analysis.plane import plane as plane
    from .plugins import F

    def activation(name: str) -> Callable[[F], F]: ...
    def dataset(name: str) -> Callable[[F], F]: ...
    def labels(name: str) -> Callable[[F], F]: ...
    def target(name: str) -> Callable[[F], F]: ...


_PLACES = {  # name -> module, and what it is called there; None for the module itself
    "activation": ("models.config", "ACTIVATIONS.add"),
    "Codes": ("ib_analysis.codes", "Codes"),
    "Run": ("flow.notebook.opened", "Run"),
    "board": ("flow.board", None),
    "dataset": ("models.datasets", "DATASETS.add"),
    "import_model": ("flow.importing", "import_model"),
    "labels": ("models.label_rules", "RULES.add"),
    "open": ("flow.notebook.opened", "open_run"),
    "plane": ("ib_analysis.plane", "plane"),
    "plots": ("ib_analysis.pictures.on_axes", None),
    "sweep": ("flow.notebook.swept", "sweep"),
    "target": ("hw.parts", "TARGETS.add"),
}
_ROOMS = ("export", "flow", "hw", "ib_analysis", "models")

__all__ = [
    "Codes",
    "Run",
    "activation",
    "board",
    "dataset",
    "import_model",
    "labels",
    "open",
    "plane",
    "plots",
    "sweep",
    "target",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(sorted(_PLACES))}")
    module, attribute = _PLACES[name]
    found = import_module(f".{module}", __name__)
    value = found if attribute is None else attrgetter(attribute)(found)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES, *_ROOMS})
