"""Everything that Vivado and PYNQ need of a design, as files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources

from ..accelerator import Accelerator
from .component import component
from .constants import with_constants
from .scripts import build_script, package_script
from .wrapper import Wrapper

DRIVER = "driver.py"


def package(accelerator: Accelerator, files: Mapping[str, str]) -> dict[str, str]:
    """By name: ip/ with component.xml and the sources, package.tcl, build.tcl, driver.py and its design.json.

    files   the design's, as `verilog` gives them; its memories become constants of the sources

    Raises VivadoError where a beat is wider than AXI DMA takes.
    """
    wrapper = Wrapper(accelerator)
    sources = {**with_constants(files), **wrapper.files()}
    return {
        "ip/component.xml": component(wrapper, sources),
        **{f"ip/{name}": text for name, text in sources.items()},
        "package.tcl": package_script(wrapper),
        "build.tcl": build_script(wrapper),
        DRIVER: resources.files(__package__).joinpath(DRIVER).read_text(),
        "design.json": json.dumps(facts(wrapper), indent=1) + "\n",
    }


def facts(wrapper: Wrapper) -> dict[str, str | int]:
    """What the driver has to know.

    lane          bits of an input: 8 or 1
    bytes_in/out  of a beat, padding included
    answer_bits   of a class or a score, of which a beat out holds lanes_out
    """
    core = wrapper.core
    first, last = core.stages[0], core.stages[-1]
    scores = last.name == core.layers[-1]
    bits = core.layer(last.name).out_bits if scores else last.out_width
    return {
        "name": core.name,
        "inputs": core.inputs,
        "lane": core.lane,
        "beats_in": first.in_beats,
        "bytes_in": wrapper.bits_in // 8,
        "beats_out": last.out_beats,
        "bytes_out": wrapper.bits_out // 8,
        "lanes_out": last.out_width // bits,
        "answer_bits": bits,
    }
