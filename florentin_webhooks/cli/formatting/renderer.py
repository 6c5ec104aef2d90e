"""Views as text: laid out by rich, or as plain lines where rich is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from florentin_webhooks.cli.formatting.views import Line, Paragraph, printable

if TYPE_CHECKING:
    from florentin_webhooks.cli.formatting.views import Table, View

__all__ = ["has_rich", "render"]


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
