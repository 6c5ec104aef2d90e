"""Views are laid out by rich, and are plain lines without it."""

from __future__ import annotations

import pytest

from florentin_webhooks.cli.formatting import renderer
from florentin_webhooks.cli.formatting.renderer import has_rich, render
from florentin_webhooks.cli.formatting.views import Line, Paragraph, Styled, Table, View


@pytest.mark.parametrize(
    ("view", "plain"),
    [
        ("unchanged  text", "unchanged  text"),
        (Table([("a", Styled("b", "red"), ""), ("long", "", "c")]), "a  b\nlong  c"),
        (Line([Styled("error:", "red"), "it failed"]), "error: it failed"),
        (Paragraph("some prose " * 20), "  " + "some prose " * 20),
    ],
)
def test_without_rich_views_are_plain_lines(
    view: View, plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renderer, "has_rich", lambda: False)
    assert render(view, 20, color=True) == plain


def test_with_rich_views_are_laid_out() -> None:
    assert has_rich()
    assert render(Line([Styled("ok", "green")]), 80, color=True) == "\x1b[32mok\x1b[0m"
