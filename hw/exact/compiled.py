"""C++ that is compiled where it runs, once, in the widest form that the machine has."""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import tempfile
import threading
from collections.abc import Mapping
from functools import cache as once
from importlib import resources
from pathlib import Path

from .. import cache
from ..simulation.verilator import SimulationError, call, instruction_set

OPTIONS = ("-std=gnu++20", "-O3", "-fPIC", "-shared", "-Wall", "-Wextra", "-Wno-ignored-attributes")
FORMS: Mapping[str, tuple[str, ...]] = {  # the widest first: what a machine needs to have
    "avx512": ("avx512f", "avx512bw", "avx512vpopcntdq", "bmi2", "popcnt"),
    "avx2": ("avx2", "bmi2", "popcnt"),
    "portable": (),
}
SPELT = {"avx512vpopcntdq": "avx512_vpopcntdq"}  # otherwise in a machine's words than in the compiler's
_building = threading.Lock()


class ExactError(ValueError):
    """A net or a question that cannot be answered for all inputs, or no compiler to do it with."""


def forms() -> tuple[str, ...]:
    """Those that this machine can run, the widest first."""
    has = set(instruction_set().split())
    return tuple(form for form, needs in FORMS.items() if all(SPELT.get(each, each) in has for each in needs))


def library(name: str, form: str | None = None) -> ctypes.CDLL:
    """The library of `name`.cpp of this folder. form: one of `forms`, by default the first.

    Raises ExactError where it cannot be compiled.
    """
    texts = {file.name: file.read_text() for file in resources.files(__package__).iterdir() if file.name.endswith(".h")}
    source = f"{name}.cpp"
    texts[source] = resources.files(__package__).joinpath(source).read_text()
    with _building:
        return compiled(source, tuple(sorted(texts.items())), form or forms()[0])


@once
def compiled(source: str, texts: tuple[tuple[str, str], ...], form: str, options: tuple[str, ...] = ()) -> ctypes.CDLL:
    """The library of one file among `texts`, pairs of a name and what is in it; from the cache, where it is there.

    options   behind OPTIONS, where the last one counts
    """
    if shutil.which("g++") is None:
        raise ExactError("g++ is not on the PATH and compiles what counts; install g++")
    command = ["g++", *OPTIONS, *options, *(f"-m{each}" for each in FORMS[form]), source, "-o", "made.so"]
    parts = [call(["g++", "--version"], Path()), *command, *(part for pair in texts for part in pair)]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    name = f"{Path(source).stem}-{form}-{digest[:24]}.so"
    content = cache.take(name)
    if content is None:
        with tempfile.TemporaryDirectory(prefix="bitneck-") as work:
            for file, text in texts:
                (Path(work) / file).write_text(text)
            try:
                call(command, Path(work))
            except SimulationError as error:
                raise ExactError(f"{source} in its form {form}: {error}") from None
            content = (Path(work) / "made.so").read_bytes()
        cache.keep(name, content)
    return cache.loaded(content)
