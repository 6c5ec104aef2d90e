"""The layout of views by rich: aligned where it fits, folded on narrow terminals."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from florentin_webhooks.cli.formatting.views import Line, Paragraph, Table, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from florentin_webhooks.cli.formatting.views import Cell

__all__ = ["lay_out"]

_MARGIN = 2
_PROSE = 80


def lay_out(view: Table | Line | Paragraph, width: int, *, color: bool) -> str:
    """Return *view* as lines of at most *width* columns, with ANSI codes if *color*."""
    if isinstance(view, Paragraph):
        text = Padding(_text(view.text), (0, 0, 0, view.indent))
        return _render(text, min(width, _PROSE), color=color)
    if isinstance(view, Line):
        return _render(_joined(view.cells, 1), width, color=color)
    return _render(_aligned(view, width) or _stacked(view), width, color=color)


def _render(renderable: RenderableType, width: int, *, color: bool) -> str:
    # A new console for each text: its lock must not be held by another thread when RQ forks.
    console = Console(
        file=StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=False,  # The caller has read NO_COLOR and FORCE_COLOR.
    )
    with console.capture() as capture:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n"))


def _aligned(table: Table, width: int) -> Grid | None:
    """Return *table* as a grid, or None where it is wider than *width*."""
    columns = [max(map(_length, column)) for column in zip(*table.rows, strict=True)]
    columns = [max(pair) for pair in zip(columns, table.widths or columns, strict=True)]
    if sum(columns) + table.gap * (len(columns) - 1) > width:
        return None
    grid = Grid.grid(padding=(0, table.gap, 0, 0))
    for size in columns:
        grid.add_column(min_width=size)
    for row in table.rows:
        grid.add_row(*map(_text, row))
    return grid


def _stacked(table: Table) -> Group:
    """Return each row as its first cell, with the others below it."""
    return Group(
        *(
            Group(_text(first), Padding(_joined(rest, 2), (0, 0, 0, _MARGIN)))
            for first, *rest in table.rows
        )
    )


def _joined(cells: Sequence[Cell], gap: int) -> Text:
    return Text(" " * gap).join(_text(cell) for cell in cells if printable(cell))


def _text(cell: Cell) -> Text:
    return Text(printable(cell), "" if isinstance(cell, str) else cell.style, overflow="fold")


def _length(cell: Cell) -> int:
    return cell_len(printable(cell))
