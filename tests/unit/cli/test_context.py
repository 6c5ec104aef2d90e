"""Operators look after any store that can be looked into; only workers and queues need Redis."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TypeVar, cast
from uuid import uuid4

import pytest
from click.testing import Result
from redis.exceptions import BusyLoadingError

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.cli import main
from florentin_webhooks.cli.context import PAUSE, ReceiverContext
from florentin_webhooks.cli.errors import StoreUnavailable
from florentin_webhooks.cli.host import HostProgram
from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.base import Operation, State, Store
from florentin_webhooks.core.stores.queries import (
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListRecords,
    Record,
    RecordPage,
)
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.testing import Provider
from tests.support.command_line import SECRET, CliRunner, error
from tests.support.ports import free_port
from tests.support.receivers import SpiedStore

A = TypeVar("A")


class Database(SpiedStore):
    """Remember in memory, and answer what operators ask; *error* is all it says where it is set."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.records: dict[bytes, Record] = {}
        self.error: Unavailable | None = None

    def execute(self, operation: Operation[A]) -> A:
        if self.error:
            raise self.error
        if isinstance(operation, GetRecord):
            return cast("A", self.records.get(operation.key))
        if isinstance(operation, ListRecords):
            return cast("A", self._listed(operation))
        if isinstance(operation, FindDeliveryId):
            return cast("A", ())
        if isinstance(operation, FindFingerprints):
            keys = [key.hex() for key in self.records]
            return cast("A", tuple(key for key in keys if key.startswith(operation.prefix)))
        answer = super().execute(operation)
        self._note(operation)
        return answer

    def _listed(self, wanted: ListRecords) -> RecordPage:
        newest, states = list(self.records.values())[::-1], wanted.wanted_states
        return RecordPage(tuple(each for each in newest if not states or each.state in states))

    def _note(self, operation: object) -> None:
        if isinstance(operation, Accept) and operation.key not in self.records:
            came = operation.delivery
            self.records[operation.key] = Record(
                came.fingerprint,
                State.RUNNING,
                came.event,
                came.delivery_id,
                came.received_at,
                secret=came.secret,
                body=came.body,
                key_id=came.key_id,
            )
        elif isinstance(operation, Finish):
            reasons = {"": operation.reason} if operation.reason else {}
            record = self.records[operation.key]
            self.records[operation.key] = replace(record, state=operation.state, reasons=reasons)


WORDS = "manage.py florentin_webhooks"


class Place:
    """A program in a module of its own, whose receiver remembers in *store*."""

    def __init__(self, store: Store) -> None:
        self.hooks = Receiver(SECRET, store=store, name="crm")
        self.module = ModuleType(f"place_{uuid4().hex}")
        self.path = f"{self.module.__name__}:hooks"
        self.broken = True
        self.inside = 0
        self.ran_inside: list[int] = []
        self.hooks.handler_context = self.around
        self.hooks.on("user.login")(self.greet)
        self.module.hooks = self.hooks  # type: ignore[attr-defined]  # a module is open.
        sys.modules[self.module.__name__] = self.module

    @contextmanager
    def around(self) -> Iterator[None]:
        """What a framework lets handlers run in."""
        self.inside += 1
        yield
        self.inside -= 1

    def greet(self, _: object) -> None:
        if self.broken:
            raise ValueError
        self.ran_inside.append(self.inside)

    def types(self, *line: str) -> Result:
        return CliRunner().invoke(main, line, prog_name=WORDS, obj=HostProgram(self.path))

    def reported(self, *line: str) -> list[dict[str, object]]:
        return [json.loads(each) for each in self.types(*line, "--json").stdout.splitlines()]

    def failed(self) -> str:
        """The fingerprint of a delivery whose handler has failed and is repaired."""
        Provider(SECRET).deliver(self.hooks, "user.login")
        self.broken = False
        return str(self.reported("deliveries", "list", "--state", "failed")[0]["fingerprint"])


@contextmanager
def opened(store: Store) -> Iterator[Place]:
    place = Place(store)
    yield place
    del sys.modules[place.module.__name__]


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def place(database: Database) -> Iterator[Place]:
    with opened(database) as place:
        yield place


def test_shared_store_is_listed_and_shown(place: Place) -> None:
    fingerprint = place.failed()
    assert "user.login" in place.types("deliveries", "list").stdout
    assert fingerprint in place.types("deliveries", "show", fingerprint[:6]).stdout


def test_failed_deliveries_are_replayed_inside_the_framework(place: Place) -> None:
    place.failed()
    result = place.types("deliveries", "replay", "--state", "failed", "--yes")
    assert (result.exit_code, place.ran_inside, place.inside) == (0, [1], 0)
    assert place.reported("deliveries", "list")[0]["state"] == "done"


@pytest.mark.parametrize("line", [["list"], ["requeue", "--all"], ["discard", "abcd"]])
def test_receiver_without_queue_has_no_dead_letters(line: list[str], place: Place) -> None:
    result = place.types("dead", *line)
    assert f"{place.path} has no queue, so it has no dead letters." in error(result)
    asked = "list" if line == ["list"] else "replay"
    assert error(result).endswith(f"hint: Use: {WORDS} deliveries {asked} --state failed")
    assert result.exit_code == 2


@pytest.mark.parametrize("line", ["worker", "queue"])
def test_worker_and_queue_need_a_queue(line: str, place: Place) -> None:
    result = place.types(line)
    assert f"{place.path} has no queue: all handlers run before" in error(result)
    assert "hint: It needs no worker. For a queue, use Receiver(..., store=" in error(result)
    assert result.exit_code == 2


def test_unavailable_database_keeps_its_message_and_hint(place: Place, database: Database) -> None:
    database.error = Unavailable("The tables are missing.", "Run: python manage.py migrate.")
    for line in (["deliveries", "list"], ["dead", "list"], ["queue"]):
        result = place.types(*line)
        assert result.stderr == (
            "error: The tables are missing.\nhint: Run: python manage.py migrate.\n"
        )
        assert result.exit_code == 4


def test_printed_fingerprint_is_that_of_the_named_receiver(place: Place, tmp_path: Path) -> None:
    body = Provider(SECRET).make("user.login").body
    (tmp_path / "body").write_bytes(body)
    (signed,) = place.reported("sign", str(tmp_path / "body"))
    delivery, _ = place.hooks.verify(cast("dict[str, str]", signed["headers"]), body)
    assert signed["fingerprint"] == delivery.fingerprint


def test_hint_for_an_unserved_url_names_commands_of_the_host(place: Place) -> None:
    port = free_port()
    result = place.types("trigger", "user.login", "--to", f"http://127.0.0.1:{port}/")
    assert error(result).endswith(f"in another terminal, run: {WORDS} dev --port {port}")


def test_worker_waits_while_redis_loads_its_data(
    place: Place,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    context, pauses = ReceiverContext(place.path, place.hooks), list[float]()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            database.error = None

    monkeypatch.setattr("time.sleep", pause)
    database.error = Unavailable("It does not answer.", "Start it.")
    database.error.__context__ = BusyLoadingError("LOADING")
    with pytest.raises(StoreUnavailable):
        context.check_reachable()
    context.check_reachable(waits=True)
    assert (pauses, len(caplog.messages)) == ([PAUSE] * 2, 1)
    assert "The worker waits." in caplog.text


def test_worker_does_not_wait_for_a_store_that_is_down(place: Place, database: Database) -> None:
    database.error = Unavailable("It does not answer.", "Start it.")
    with pytest.raises(StoreUnavailable):
        ReceiverContext(place.path, place.hooks).check_reachable(waits=True)


def test_memory_store_is_refused() -> None:
    with opened(MemoryStore()) as place:
        result = place.types("deliveries", "list")
    assert "uses MemoryStore, which other processes cannot read" in error(result)
    assert result.exit_code == 2
