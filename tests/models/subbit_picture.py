"""Part of `make subbit`: what the tables of docs/subbit.md say of information and bits of weights, as its picture."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

DOCS = Path(__file__).resolve().parents[2] / "docs"
NETS = ("digits-conv, five seeds", "mnist-small, three seeds")  # of the tables, in their order
ROW = re.compile(r"^\| (free|\d) \| ([\d,]+) \| [^|]+ \| [\d.]+ % \| [\d.]+ % \| ([\d.]+) \| ([\d.]+) \|", re.M)
H_Y = 3.32


class Row(NamedTuple):
    """bits   of all weights as they are stored; information in bits, means over the seeds"""

    codebooks: str
    bits: int
    said: float
    at_least: float


def tables(page: str) -> list[list[Row]]:
    """A list for each table of the page that begins with free kernels."""
    found: list[list[Row]] = []
    for codebooks, bits, said, at_least in ROW.findall(page):
        if codebooks == "free":
            found.append([])
        found[-1].append(Row(codebooks, int(bits.replace(",", "")), float(said), float(at_least)))
    return found


def draw(axes: Axes, rows: list[Row]) -> None:
    bits = [row.bits for row in rows]
    axes.plot(
        bits, [row.said for row in rows], "o-", color="#2c5d9b", label="I(said;Y), of the class that the net says"
    )
    axes.plot(
        bits,
        [row.at_least for row in rows],
        "o--",
        color="#c2571a",
        markerfacecolor="white",
        label="I(T;Y) of the last code, at least",
    )
    for row in rows:
        kind = row.codebooks if row.codebooks == "free" else f"{row.codebooks} bits"
        axes.annotate(kind, (row.bits, row.said), (0, -15), textcoords="offset points", ha="center", fontsize="small")
    axes.axhline(H_Y, color="black", linestyle=":", linewidth=1)
    axes.text(0.01, H_Y, f"H(Y) = {H_Y}", transform=axes.get_yaxis_transform(), va="bottom", fontsize="small")
    axes.margins(x=0.12)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("bits of weight memory")
    axes.set_ylabel("bits about the label")


def main() -> None:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    both = figure.subplots(1, 2)
    for axes, name, rows in zip(both, NETS, tables((DOCS / "subbit.md").read_text()), strict=True):
        draw(axes, rows)
        axes.set_title(name, fontsize="medium")
    both[0].set_ylim(1.9, 3.45)
    both[1].set_ylim(2.75, 3.36)
    both[0].legend(frameon=False, fontsize="small", loc="center right")
    figure.savefig(DOCS / "pictures" / "subbit.png", dpi=120, metadata={"Software": None})


if __name__ == "__main__":
    main()
