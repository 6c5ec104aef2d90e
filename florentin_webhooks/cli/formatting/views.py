"""What commands print for people: tables, paragraphs and log lines, without any layout.

:func:`render` lays them out by rich. Where rich is not installed they become plain lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import NamedTuple

__all__ = ["Cell", "Line", "Paragraph", "Styled", "Table", "View", "has_rich", "render"]


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


def has_rich() -> bool:
    """Return whether rich is installed."""
    return find_spec("rich") is not None


def render(view: View, width: int, *, color: bool) -> str:
    """Return *view* as text for a terminal of *width* columns."""
    if isinstance(view, str):
        return view
    if not has_rich():
        return _plain(view)
    from florentin_webhooks.cli.formatting.layout import lay_out  # noqa: PLC0415 - an extra.

    return lay_out(view, width, color=color)


def _plain(view: Table | Line | Paragraph) -> str:
    if isinstance(view, Paragraph):
        return " " * view.indent + printable(view.text)
    if isinstance(view, Line):
        return " ".join(map(printable, view.cells))
    gap = " " * view.gap
    return "\n".join(gap.join(filter(None, map(printable, row))) for row in view.rows)


def printable(cell: Cell) -> str:
    """Return the text of *cell* without characters that steer a terminal."""
    text = cell if isinstance(cell, str) else cell.text
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
