"""The table of servers, in the code and in docs/servers.md."""

from __future__ import annotations

from florentin_webhooks.protocol.servers import SERVERS, BodyLoss, server_without_body
from tests.support.markdown import ROOT, Page

PAGE = Page(ROOT / "docs" / "servers.md")


def test_documented_table_equals_the_one_in_the_code() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.text.splitlines() if line[:2] == "| "]
    assert rows[2:] == [[each.name, each.version, *map(str, each[3:])] for each in SERVERS]


def test_unknown_server_has_no_name() -> None:
    assert server_without_body(BodyLoss.CHUNKED, ()) == "the server"


def test_bridge_is_named_before_the_server_below_it() -> None:
    loaded = {"hypercorn", "a2wsgi.wsgi"}
    assert server_without_body(BodyLoss.CHUNKED, loaded) == "a2wsgi"
