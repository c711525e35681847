"""A board's gigabit PHY: its pins, its place in the network, and LiteEth's core between them and a design."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked

from ..synthesis.constraints import Pin
from . import liteeth
from .datagrams import PORT

Site = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
Nibble = tuple[Site, Site, Site, Site]
RGMII_MHZ = 125


@checked(config=ConfigDict(extra="forbid", frozen=True))
class Ethernet:
    """RGMII pins, named from the FPGA's side; a PHY that needs no settings, beginning with gigabit.

    device    the part, as its maker calls it with its package
    ip, mac   of the board
    rst_n     None where nobody resets the PHY
    """

    device: Annotated[str, Field(pattern=r"^LFE5U")]
    ip: Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,3}){3}$")]
    mac: Annotated[str, Field(pattern=r"^[0-9a-f]{2}(:[0-9a-f]{2}){5}$")]
    rx_clk: Site
    rx_ctl: Site
    rx_data: Nibble
    tx_clk: Site
    tx_ctl: Site
    tx_data: Nibble
    mdc: Site
    mdio: Site
    rst_n: Site | None = None

    def ports(self) -> list[str]:
        """Of a top, beside its clock and LEDs."""
        found = ["input  wire rx_clk", "input  wire rx_ctl", "input  wire [3:0] rx_data"]
        found += ["output wire tx_clk", "output wire tx_ctl", "output wire [3:0] tx_data"]
        found += ["output wire mdc", "inout  wire mdio"]
        return found + ["output wire rst_n"] * (self.rst_n is not None)

    def pins(self, standard: str) -> list[Pin]:
        one = {"rx_clk": self.rx_clk, "rx_ctl": self.rx_ctl, "tx_clk": self.tx_clk, "tx_ctl": self.tx_ctl}
        one |= {"mdc": self.mdc, "mdio": self.mdio} | ({} if self.rst_n is None else {"rst_n": self.rst_n})
        for port, sites in (("rx_data", self.rx_data), ("tx_data", self.tx_data)):
            one |= {f"{port}[{index}]": site for index, site in enumerate(sites)}
        return [Pin(port, site, "in" if port.startswith("rx") else "out", standard) for port, site in one.items()]

    def core(self, name: str, mhz: float) -> str:
        """Verilog of the module `name`. Raises SynthesisError."""
        return liteeth.core(name, self.device, mhz, self.ip, self.mac)

    def instances(self, core: str, inner: str) -> Iterator[str]:
        """LiteEth's core and the design, `inner`, at its port; `heard` and `said` while datagrams pass."""
        yield "wire [31:0] down_tdata, down_ip, up_tdata, up_ip;"
        yield "wire [15:0] down_length, up_length;"
        yield "wire [3:0] up_last_be;"
        yield "wire heard, down_tlast, down_error, said, up_tready, up_tlast;"
        yield f"{core} ethernet ("
        yield "  .sys_clock(system_clk), .sys_reset(rst),"
        yield "  .rgmii_clocks_rx(rx_clk), .rgmii_rx_ctl(rx_ctl), .rgmii_rx_data(rx_data),"
        yield "  .rgmii_clocks_tx(tx_clk), .rgmii_tx_ctl(tx_ctl), .rgmii_tx_data(tx_data),"
        reset = "rst_n" if self.rst_n is not None else ""
        yield f"  .rgmii_rst_n({reset}), .rgmii_int_n(1'b1), .rgmii_mdc(mdc), .rgmii_mdio(mdio),"
        yield "  .udp_source_data(down_tdata), .udp_source_valid(heard), .udp_source_ready(1'b1),"
        yield "  .udp_source_last(down_tlast), .udp_source_last_be(), .udp_source_error(down_error),"
        yield "  .udp_source_length(down_length), .udp_source_ip_address(down_ip),"
        yield "  .udp_source_src_port(), .udp_source_dst_port(),"
        yield "  .udp_sink_data(up_tdata), .udp_sink_valid(said), .udp_sink_ready(up_tready),"
        yield "  .udp_sink_last(up_tlast), .udp_sink_last_be(up_last_be), .udp_sink_length(up_length),"
        yield f"  .udp_sink_ip_address(up_ip), .udp_sink_src_port(16'd{PORT}), .udp_sink_dst_port(16'd{PORT})"
        yield ");"
        yield f"{inner} inner ("
        yield "  .clk(system_clk), .rst, .s_axis_tdata(down_tdata), .s_axis_tvalid(heard), .s_axis_tlast(down_tlast),"
        yield "  .s_axis_error(down_error), .s_axis_length(down_length), .s_axis_ip(down_ip),"
        yield "  .m_axis_tdata(up_tdata), .m_axis_tvalid(said), .m_axis_tready(up_tready), .m_axis_tlast(up_tlast),"
        yield "  .m_axis_last_be(up_last_be), .m_axis_length(up_length), .m_axis_ip(up_ip)"
        yield ");"
