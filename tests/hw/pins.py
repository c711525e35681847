"""Pins for the byte streams of a shell on real packages; any that there are."""

from __future__ import annotations

PORTS = (
    *("clk", "rst"),
    *(f"s_axis_tdata[{i}]" for i in range(8)),
    *("s_axis_tvalid", "s_axis_tready"),
    *(f"m_axis_tdata[{i}]" for i in range(8)),
    *("m_axis_tvalid", "m_axis_tready", "m_axis_tlast"),
)
SG48 = (35, 10, 2, 3, 4, 6, 9, 11, 12, 13, 18, 19, 20, 21, 23, 25, 26, 27, 28, 31, 32, 34, 36)
UP5K = "".join(f"set_io {port} {pin}\n" for port, pin in zip(PORTS, SG48, strict=True))
"""Text of a .pcf."""
