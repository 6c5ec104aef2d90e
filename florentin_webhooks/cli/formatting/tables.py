"""Lay text out for the width of the terminal: side by side where it fits, stacked on a phone."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["indented", "row", "table"]

_GAP = "  "
_HARD_SPACE = "\N{NO-BREAK SPACE}"


def row(cells: Sequence[str], widths: Sequence[int], width: int) -> str:
    """Give *cells* as one line, padded to *widths*, or stacked where *width* is too small."""
    line = _line(cells, widths)
    if len(line) <= width:
        return line
    whole = [cell.replace(" ", _HARD_SPACE) for cell in cells]  # lines end between cells
    return _stacked(whole, width).replace(_HARD_SPACE, " ")


def table(rows: Sequence[Sequence[str]], width: int) -> str:
    """Give *rows* below each other: all of them as lines, or all of them stacked."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(cells, widths) for cells in rows]
    if max(map(len, lines)) > width:
        lines = [_stacked(cells, width) for cells in rows]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(size) for cell, size in zip(cells, widths, strict=True)]
    return _GAP.join(padded).rstrip()


def _stacked(cells: Sequence[str], width: int) -> str:
    return "\n".join([cells[0], *indented(_GAP.join(filter(None, cells[1:])), width)])


def indented(text: str, width: int, indent: int = 2) -> list[str]:
    """Give *text* as lines of at most *width* columns that begin with *indent* spaces."""
    margin = " " * indent
    return textwrap.wrap(
        text,
        max(width, 20),
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
