"""Views without rich are plain lines."""

from __future__ import annotations

import pytest

from florentin_webhooks.cli.formatting import views
from florentin_webhooks.cli.formatting.views import (
    Line,
    Paragraph,
    Styled,
    Table,
    View,
    has_rich,
    printable,
    render,
)


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
    monkeypatch.setattr(views, "has_rich", lambda: False)
    assert render(view, 20, color=True) == plain


def test_with_rich_views_are_laid_out() -> None:
    assert has_rich()
    assert render(Line([Styled("ok", "green")]), 80, color=True) == "\x1b[32mok\x1b[0m"


@pytest.mark.parametrize(
    ("text", "shown"), [("a\x1b[2Jb", "a?[2Jb"), ("a\rb\x07", "a?b?"), ("ä\nb", "ä\nb")]
)
def test_control_characters_are_replaced(text: str, shown: str) -> None:
    assert printable(text) == printable(Styled(text, "red")) == shown
