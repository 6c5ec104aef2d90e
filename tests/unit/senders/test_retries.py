"""The schedules of retries: each has its source, and the table of the docs has what follows."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from florentin_webhooks import senders
from florentin_webhooks.senders.base import Sender
from tests.support.senders import CASES

DESCRIBED = {"HMACSender", "HTTPSignature"}
"""Senders whose schedule their users describe."""
TIMED = {type(case.sender).__name__: case.is_timed for case in CASES}
NONE = "\N{EN DASH}"
DOCS = Path(__file__).parents[3] / "docs" / "senders.md"


def rows() -> dict[str, list[str]]:
    """Return the cells of the table by the name of each sender."""
    lines = re.findall(
        r"^\| `(\w.*?) \|(.*)\|$", DOCS.read_text().partition("\n## ")[0], re.MULTILINE
    )
    found = dict[str, list[str]]()
    for names, cells in lines:
        for name in re.findall(r"\w+", names):
            found[name] = [cell.strip() for cell in cells.split("|")]
    return found


def build(name: str) -> Sender:
    sender: Sender = getattr(senders, name)()
    return sender


@pytest.mark.parametrize("name", sorted(set(senders.__all__) - DESCRIBED))
def test_schedule_names_its_source(name: str) -> None:
    source = getattr(build(name), "retries").source  # noqa: B009 - not part of the protocol.
    assert source.startswith("https://")


@pytest.mark.parametrize("name", sorted(set(senders.__all__) - {"HMACSender"}))
def test_table_of_the_docs_has_what_a_sender_does(name: str) -> None:
    sender, cells = build(name), rows()[name]
    has_time, has_id, _answer, retries, remembered = (cell != NONE for cell in cells)
    assert has_time == TIMED[name]
    assert has_id == (sender.retry_content("id", b"body") == b"")
    assert retries
    assert remembered
    number, unit = cells[-1].split()
    shown = timedelta(**{f"{unit.rstrip('s')}s": float(number)})
    assert shown <= sender.retention < shown + timedelta(hours=1)
