"""What commands print for people: tables, paragraphs and lines, without any layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Cell", "Line", "Paragraph", "Styled", "Table", "View", "printable"]


class Styled(NamedTuple):
    """Text with a style of rich, such as ``green`` or ``bold red``."""

    text: str
    style: str


Cell = str | Styled


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; each column is at least as wide as *widths* says."""

    rows: Sequence[Sequence[Cell]]
    widths: Sequence[int] = ()
    gap: int = 2


@dataclass(frozen=True, slots=True)
class Line:
    """Cells with one space between them, folded at the width of the terminal."""

    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Prose behind a margin of *indent* columns, folded at 80 columns or earlier."""

    text: Cell
    indent: int = 2


View = str | Table | Line | Paragraph
"""Text is printed unchanged."""


def printable(cell: Cell) -> str:
    """Return the text of *cell* without characters that steer a terminal."""
    text = cell if isinstance(cell, str) else cell.text
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
