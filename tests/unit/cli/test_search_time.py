"""A list that searches for long stops, and says how far it has come."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.cli import main
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.queries import (
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListRecords,
    Position,
    Record,
    RecordPage,
)
from tests.support.command_line import SECRET, CliRunner, error
from tests.support.receivers import SpiedStore

NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)
LAST = "2026-06-06T11:00:00.000+00:00"


class SlowStore(SpiedStore):
    """A store whose first page finds nothing, and whose second one finds the *record*."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.record = Record("ab" * 16, State.FAILED, "a.b", "id-1", NOON - timedelta(hours=2))

    def execute(self, operation: Operation[Any]) -> Any:
        match operation:
            case ListRecords(before=None, until=None):
                stopped = NOON - timedelta(hours=1)
                return RecordPage((), Position.of(stopped, "f" * 32))
            case ListRecords():
                return RecordPage((self.record,))
            case FindDeliveryId() | FindFingerprints():
                return ()
            case GetRecord():
                return None
            case _:
                return super().execute(operation)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The path of a receiver whose lists search for no time."""
    for name in ("commands.deliveries", "selection"):
        monkeypatch.setattr(f"florentin_webhooks.cli.{name}._SECONDS", 0)
    module = ModuleType("slow_shop")
    module.hooks = Receiver(SECRET, store=SlowStore())  # type: ignore[attr-defined]  # a module is open.
    sys.modules[module.__name__] = module
    yield "slow_shop:hooks"
    del sys.modules[module.__name__]


def test_stopped_list_goes_on_with_the_printed_time(app: str) -> None:
    stopped = CliRunner().invoke(main, ["deliveries", "list", app, "--state", "failed"])
    assert (stopped.exit_code, stopped.stdout) == (0, "")
    assert f"Searched the deliveries since {LAST}. To go on, add --until {LAST}" in stopped.stderr
    further = CliRunner().invoke(main, ["deliveries", "list", app, "--until", LAST])
    assert "ab" * 6 in further.stdout


def test_list_with_an_exit_code_searches_everything(app: str) -> None:
    result = CliRunner().invoke(main, ["deliveries", "list", app, "--exit-code"])
    assert (result.exit_code, result.stderr) == (1, "")
    assert "ab" * 6 in result.stdout


def test_unknown_delivery_id_is_reported_with_the_searched_time(app: str) -> None:
    result = CliRunner().invoke(main, ["deliveries", "show", app, "id-9"])
    assert "The search has stopped at those of 2026-06-06 11:00:00 UTC" in error(result)
