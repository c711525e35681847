"""A run's design as a package for Vivado and PYNQ, in vivado/ of its folder."""

from __future__ import annotations

from pathlib import Path

from ..hw.vivado.package import package as files_of
from .belonging import check_design, graph_of
from .files import write_folder
from .folder import RunFolder
from .held import writing
from .run import built


@writing
def package(folder: RunFolder) -> Path:
    """ip/ with component.xml and sources, package.tcl, build.tcl, driver.py and design.json.

    Raises VivadoError where a beat is wider than an AXI DMA takes.
    """
    accelerator, files = built(folder, graph_of(folder))
    check_design(folder, accelerator, files)
    write_folder(folder.vivado, files_of(accelerator, files))
    return folder.vivado
