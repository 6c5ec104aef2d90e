"""What is read from the command line and how results are laid out."""

from __future__ import annotations

from typing import Any

import pytest

from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.formatting.tables import row, table
from florentin_webhooks.cli.inputs import parse_headers
from florentin_webhooks.cli.output import use_color
from florentin_webhooks.cli.overrides import apply_override, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("data.invoice.amount_due=0", 0),
        ("data.invoice.amount_due=null", None),
        ('data.invoice.amount_due={"a": [1]}', {"a": [1]}),
        ("data.invoice.amount_due=twelve", "twelve"),
        ('data.invoice.amount_due="0"', "0"),
        ("data.invoice.amount_due=a=b", "a=b"),
        ("data.invoice.amount_due=NaN", "NaN"),
        ("data.invoice.amount_due=", ""),
    ],
)
def test_a_value_is_json_or_else_text(text: str, value: object) -> None:
    envelope: dict[str, Any] = {"data": {"invoice": {"amount_due": 4900}}}
    apply_override(envelope, parse(text))
    assert envelope == {"data": {"invoice": {"amount_due": value}}}


def test_a_path_enters_lists_and_makes_objects() -> None:
    envelope: dict[str, Any] = {"data": {"lines": [{"sum": 1}, 2]}}
    for text in ("data.lines.0.sum=5", "data.lines.1=6", "data.new.deep=7"):
        apply_override(envelope, parse(text))
    assert envelope == {"data": {"lines": [{"sum": 5}, 6], "new": {"deep": 7}}}


@pytest.mark.parametrize(
    "text", ["data", "=1", "data..x=1", "data.x.y=1", "data.l.1=1", "data.l.z=1"]
)
def test_a_path_that_leads_nowhere_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        apply_override({"data": {"x": 1, "l": [0]}}, parse(text))


def test_headers_are_read_from_lines_from_curl_and_from_json() -> None:
    expected = [("X-A", "1"), ("X-B", "2: 3")]
    assert parse_headers(b"X-A: 1\nX-B: 2: 3\n") == expected
    assert parse_headers(b"POST /x HTTP/1.1\r\nX-A: 1\r\nX-B: 2: 3\r\n\r\n") == expected
    assert parse_headers(b"> POST /x HTTP/1.1\n> X-A: 1\n> X-B: 2: 3\n>\n") == expected
    assert parse_headers(b'{"headers": {"X-A": "1", "X-B": "2: 3"}}') == expected
    assert parse_headers(b'{"X-A": "1", "X-B": "2: 3"}') == expected


@pytest.mark.parametrize("content", [b"nonsense", b": 1", b"{", b'{"headers": 1}'])
def test_headers_that_are_none_are_refused(content: bytes) -> None:
    with pytest.raises(UsageError):
        parse_headers(content)


@pytest.mark.parametrize(
    ("option", "environ", "tty", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour_follows_the_option_then_the_environment_then_the_terminal(
    option: str, environ: dict[str, str], *, tty: bool, expected: bool
) -> None:
    assert use_color(option, environ, tty=tty) is expected


def test_a_table_is_stacked_where_it_does_not_fit() -> None:
    rows = [("short", "a few words"), ("longer", "more")]
    assert table(rows, 40) == "short   a few words\nlonger  more"
    assert table(rows, 18) == "short\n  a few words\nlonger\n  more"


def test_a_row_is_broken_between_its_cells_only() -> None:
    cells = ["event", "200 processed", "12 ms", "stamped anew"]
    assert row(cells, [5, 13, 5, 0], 80) == "event  200 processed  12 ms  stamped anew"
    assert row(cells, [5, 13, 5, 0], 30) == "event\n  200 processed  12 ms\n  stamped anew"
