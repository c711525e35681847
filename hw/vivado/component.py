"""`component.xml`: a wrapped design as IP-XACT (IEEE 1685-2009), the form in which Vivado's catalogue takes IP."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from .wrapper import Wrapper

_SPIRIT = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"
_BUSES = {"s_axis": "slave", "m_axis": "master"}
_STREAM = ("TDATA", "TVALID", "TREADY", "TLAST")
VENDOR, LIBRARY, VERSION = "bitneck", "nets", "1.0"


def component(wrapper: Wrapper, files: Iterable[str]) -> str:
    """The text of component.xml. files: the sources, as names relative to it, the wrapper's last."""
    name = wrapper.name
    buses = "".join(_stream(bus, mode) for bus, mode in _BUSES.items())
    clock = _parameters("ACLK", {"ASSOCIATED_BUSIF": "s_axis:m_axis", "ASSOCIATED_RESET": "aresetn"})
    reset = _parameters("ARESETN", {"POLARITY": "ACTIVE_LOW"})
    views = "".join(
        f"<spirit:view><spirit:name>{view}</spirit:name><spirit:envIdentifier>{env}</spirit:envIdentifier>"
        f"<spirit:language>verilog</spirit:language><spirit:modelName>{name}</spirit:modelName>"
        f"<spirit:fileSetRef><spirit:localName>sources</spirit:localName></spirit:fileSetRef></spirit:view>\n"
        for view, env in (
            ("synthesis", ":vivado.xilinx.com:synthesis"),
            ("simulation", ":vivado.xilinx.com:simulation"),
        )
    )
    sources = "".join(
        f"<spirit:file><spirit:name>{escape(file)}</spirit:name>"
        f"<spirit:fileType>{'verilogSource' if file.endswith('.v') else 'systemVerilogSource'}</spirit:fileType>"
        f"</spirit:file>\n"
        for file in files
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<spirit:component xmlns:spirit="{_SPIRIT}">
<spirit:vendor>{VENDOR}</spirit:vendor>
<spirit:library>{LIBRARY}</spirit:library>
<spirit:name>{name}</spirit:name>
<spirit:version>{VERSION}</spirit:version>
<spirit:busInterfaces>
{buses}{_signal("aclk", "clock", "CLK", clock)}{_signal("aresetn", "reset", "RST", reset)}</spirit:busInterfaces>
<spirit:model>
<spirit:views>
{views}</spirit:views>
<spirit:ports>
{_ports(wrapper)}</spirit:ports>
</spirit:model>
<spirit:fileSets>
<spirit:fileSet>
<spirit:name>sources</spirit:name>
{sources}</spirit:fileSet>
</spirit:fileSets>
<spirit:description>{escape(wrapper.core.name)} by bitneck: {wrapper.core.cycles} cycles a frame</spirit:description>
</spirit:component>
"""


def _stream(bus: str, mode: str) -> str:
    ports = "".join(_map(signal, f"{bus}_{signal.lower()}") for signal in _STREAM)
    return _interface(bus, "interface", "axis", mode, ports, "")


def _signal(port: str, kind: str, signal: str, parameters: str) -> str:
    return _interface(port, "signal", kind, "slave", _map(signal, port), parameters)


def _interface(name: str, library: str, bus: str, mode: str, ports: str, parameters: str) -> str:
    def reference(kind: str, bus: str) -> str:
        where = f'spirit:vendor="xilinx.com" spirit:library="{library}"'
        return f'<spirit:{kind} {where} spirit:name="{bus}" spirit:version="1.0"/>'

    return (
        f"<spirit:busInterface><spirit:name>{name}</spirit:name>{reference('busType', bus)}"
        f"{reference('abstractionType', f'{bus}_rtl')}<spirit:{mode}/>"
        f"<spirit:portMaps>{ports}</spirit:portMaps>{parameters}</spirit:busInterface>\n"
    )


def _map(logical: str, physical: str) -> str:
    return (
        f"<spirit:portMap><spirit:logicalPort><spirit:name>{logical}</spirit:name></spirit:logicalPort>"
        f"<spirit:physicalPort><spirit:name>{physical}</spirit:name></spirit:physicalPort></spirit:portMap>"
    )


def _parameters(of: str, values: dict[str, str]) -> str:
    rows = "".join(
        f'<spirit:parameter><spirit:name>{name}</spirit:name><spirit:value spirit:id="BUSIFPARAM_VALUE.{of}.{name}">'
        f"{value}</spirit:value></spirit:parameter>"
        for name, value in values.items()
    )
    return f"<spirit:parameters>{rows}</spirit:parameters>"


def _ports(wrapper: Wrapper) -> str:
    def port(name: str, direction: str, width: int = 1) -> str:
        vector = f"<spirit:vector><spirit:left>{width - 1}</spirit:left><spirit:right>0</spirit:right></spirit:vector>"
        return (
            f"<spirit:port><spirit:name>{name}</spirit:name><spirit:wire><spirit:direction>{direction}"
            f"</spirit:direction>{vector if width > 1 else ''}</spirit:wire></spirit:port>\n"
        )

    rows = port("aclk", "in") + port("aresetn", "in")
    for bus, forward, backward, width in (
        ("s_axis", "in", "out", wrapper.bits_in),
        ("m_axis", "out", "in", wrapper.bits_out),
    ):
        rows += port(f"{bus}_tdata", forward, width) + port(f"{bus}_tvalid", forward)
        rows += port(f"{bus}_tready", backward) + port(f"{bus}_tlast", forward)
    return rows
