"""Views are aligned where they fit, and folded on narrow terminals."""

from __future__ import annotations

import pytest

from florentin_webhooks.cli.formatting.layout import lay_out
from florentin_webhooks.cli.formatting.views import Line, Paragraph, Styled, Table

ROWS = [("short", "a few words"), ("longer", "more")]


def test_table_is_aligned_where_it_fits() -> None:
    assert lay_out(Table(ROWS), 40, color=False) == "short   a few words\nlonger  more"


def test_table_is_stacked_where_it_does_not_fit() -> None:
    expected = "short\n  a few words\nlonger\n  more"
    assert lay_out(Table(ROWS), 18, color=False) == expected


def test_columns_have_a_least_width() -> None:
    table = Table([("a", "b")], widths=(4, 0), gap=1)
    assert lay_out(table, 40, color=False) == "a    b"


def test_empty_cells_leave_no_gap_when_stacked() -> None:
    table = Table([("event", "", "12 ms", "")], widths=(30, 0, 0, 0))
    assert lay_out(table, 20, color=False) == "event\n  12 ms"


def test_paragraph_folds_behind_its_margin() -> None:
    folded = lay_out(Paragraph("word " * 30, 4), 200, color=False).splitlines()
    assert len(folded) == 2
    assert all(line.startswith("    word") and len(line) <= 80 for line in folded)


@pytest.mark.parametrize("width", [20, 40])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    views = (
        Table([("f" * 12, "subscription.downgraded", "waits for shop.hooks:send_mail")]),
        Line(["12:00:00", "a message with a word that is loooooooooooooooooooooooooong"]),
        Paragraph("some prose about a_name_that_is_longer_than_a_terminal_of_forty_columns"),
    )
    for view in views:
        assert max(map(len, lay_out(view, width, color=False).splitlines())) <= width


def test_colour_is_ansi_and_markup_is_text() -> None:
    line = Line([Styled("[red]ok", "green"), "[bold]"])
    assert lay_out(line, 80, color=True) == "\x1b[32m[red]ok\x1b[0m [bold]"
    assert lay_out(line, 80, color=False) == "[red]ok [bold]"


def test_emoji_codes_and_numbers_stay_plain() -> None:
    assert lay_out(Paragraph(":boom: 42 'text'", 0), 80, color=True) == ":boom: 42 'text'"
