"""What a notebook shows of a result: picture and table as HTML, without anything that a viewer would cut as unsafe."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence

from matplotlib.figure import Figure

from .plots import png

DOTS_PER_INCH = 144  # twice what a page shows, so that it stays sharp
CELL = "text-align:{};padding:.15em .7em;white-space:nowrap"


def image(figure: Figure, alt: str) -> str:
    """The figure within the text itself, as PNG."""
    data = base64.b64encode(png(figure, DOTS_PER_INCH)).decode()
    width = round(72 * figure.get_figwidth())
    return f'<img alt="{html.escape(alt)}" width="{width}" src="data:image/png;base64,{data}"/>'


def table(head: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", notes: Sequence[str] = ()) -> str:
    """Cells as they print themselves, numbers to the right; above it the caption, below it the notes, a line each.
    Everything is escaped.
    """
    body = [[str(cell) for cell in row] for row in rows]
    number = [
        all(_is_number(row[column]) for row in body) and any(row[column] not in ("", "-") for row in body)
        for column in range(len(head))
    ]
    lines = [_line("th", head, number), *(_line("td", row, number) for row in body)]
    above = f"<div>{html.escape(caption)}</div>" if caption else ""
    below = "".join(f"<div><small>{html.escape(note)}</small></div>" for note in notes)
    return f"{above}<table><thead>{lines[0]}</thead><tbody>{''.join(lines[1:])}</tbody></table>{below}"


def link(target: str, text: str) -> str:
    """To a file, as seen from the notebook's own folder."""
    return f'<a href="{html.escape(target)}" target="_blank">{html.escape(text)}</a>'


def _line(tag: str, cells: Sequence[str], number: Sequence[bool]) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    made = (
        f'<{tag}{scope} style="{CELL.format("right" if right else "left")}">{html.escape(cell)}</{tag}>'
        for cell, right in zip(cells, number, strict=True)
    )
    return f"<tr>{''.join(made)}</tr>"


def _is_number(cell: str) -> bool:
    first = cell.split(" ")[0].replace(",", "").rstrip("%")
    try:
        float(first)
    except ValueError:
        return cell in ("", "-", "refused")
    return True
