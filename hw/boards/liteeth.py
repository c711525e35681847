"""LiteEth's core for an RGMII PHY on an ECP5, as its own generator writes it: one UDP port, 4 bytes wide."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ..synthesis.targets import SynthesisError

GENERATOR = "liteeth.gen"
RX_DELAY_NS = 2  # of the data behind the PHY's clock; its own delay is in the other direction


@cache
def core(name: str, device: str, mhz: float, ip: str, mac: str) -> str:
    """Verilog of the module `name`, without its comments, which say when it was made.

    device     an ECP5 by its maker's name
    mhz        of the clock of its port
    ip, mac    of the board: 192.168.1.50, 02:00:00:00:00:32

    Raises SynthesisError where LiteEth is not installed, or its generator fails.
    """
    if find_spec("liteeth") is None:
        raise SynthesisError("liteeth is not installed here; `pip install 'bitneck[udp]'` brings it")
    asked = {
        "vendor": "lattice",
        "toolchain": "trellis",
        "device": device,
        "phy": "LiteEthECP5PHYRGMII",
        "phy_tx_delay": 0.0,
        "phy_rx_delay": RX_DELAY_NS * 1e-9,
        "clk_freq": int(mhz * 1e6),
        "core": "udp",
        "data_width": 32,
        "mac_address": int(mac.replace(":", ""), 16),
        "ip_address": ip,
        # Not its streamer, which forgets the end of a datagram that comes while it sends another, and knows one host.
        "udp_ports": {"udp": {"mode": "raw", "data_width": 32}},
    }
    with tempfile.TemporaryDirectory(prefix="bitneck-") as place:
        Path(place, "core.yml").write_text(json.dumps(asked))
        command = [sys.executable, "-m", GENERATOR, "core.yml", "--name", name, "--output-dir", "core"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True)
        if done.returncode:
            raise SynthesisError(f"{GENERATOR} failed: {(done.stderr.strip() or 'it says nothing').splitlines()[-1]}")
        text = Path(place, "core", "gateware", f"{name}.v").read_text()
    return "".join(f"{line}\n" for line in text.splitlines() if not line.lstrip().startswith("//"))
