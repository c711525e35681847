"""The verb `package`: a design for other people's tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..config import RunError
from ..folder import RunFolder
from ..vivado import package as vivado_package
from .console import say, step
from .verb import Facts


def package(
    folder: Annotated[Path, typer.Argument(help="folder of the run, for example runs/digits")],
    vivado: Annotated[bool, typer.Option("--vivado", help="IP, block design and PYNQ driver")] = False,
) -> Facts:
    """Make an IP package of the RTL with a block design around an AXI DMA and a driver for PYNQ. Never run in Vivado.

    - `bitneck package runs/digits --vivado`
    - `bitneck package runs/tfc --vivado --quiet`
    """
    if not vivado:
        raise RunError("a package for what? --vivado is the one that there is")
    place = RunFolder(folder)
    with step("package", "vivado"):
        made = vivado_package(place)
    say("package", "component.xml, package.tcl, build.tcl, driver.py; never run in Vivado", made)
    return {"package": made, "files": sorted(str(path.relative_to(made)) for path in made.rglob("*") if path.is_file())}
