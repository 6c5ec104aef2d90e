"""Handlers that never run, or that workers cannot import, are found."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from florentin_webhooks import MemoryStore, Receiver, RedisStore, RQQueue
from florentin_webhooks.cli.doctor.handlers import (
    check_handlers,
    check_import_path,
    check_names,
    check_sharing,
    check_size,
)
from florentin_webhooks.events import Event
from florentin_webhooks.senders import Discord

SECRET = "a-secret-of-the-doctor"
KEY = "edd2dd5b47523ee1b426a797587816dd51edf126d7e3955da7e5c8df723374fc"
URL = "redis://localhost:6390/3"


def bill(event: Event) -> None:
    del event


def queued(path: str | None = None) -> Receiver[object]:
    return Receiver(SECRET, store=RedisStore(URL), queue=RQQueue("bills", receiver=path))


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("doctored")
    monkeypatch.setitem(sys.modules, "doctored", made)
    return made


def test_receiver_without_handlers_fails() -> None:
    hooks = Receiver(SECRET)
    assert check_handlers(hooks)[0].state == "fail"
    hooks.on("invoice.created")(bill)
    (check,) = check_handlers(hooks)
    assert check.message.startswith("1 handler; ignored: account.created, user.login, ")


@pytest.mark.parametrize(
    ("name", "fix"), [("ENTITLEMENT_EXPIRED", "mean 'ENTITLEMENT_"), ("invoice.*", "Use one of")]
)
def test_event_that_the_catalogue_lacks_is_named(name: str, fix: str) -> None:
    hooks = Receiver(KEY, sender=Discord())
    hooks.on(name)(bill)
    (check,) = check_names(hooks)
    assert fix in check.hint


def test_documented_event_is_no_finding() -> None:
    hooks = Receiver(KEY, sender=Discord())
    hooks.on("ENTITLEMENT_CREATE")(bill)
    assert list(check_names(hooks)) == []


def test_receiver_that_is_no_global_cannot_be_imported() -> None:
    (check,) = check_import_path(queued())
    assert (check.name, check.state) == ("import-path", "fail")
    assert "RQQueue(receiver=" in check.hint


@pytest.mark.parametrize("path", ["doctored:other", "missing_module.of.ours:hooks"])
def test_path_to_something_else_is_found(module: ModuleType, path: str) -> None:
    hooks = queued(path)
    vars(module)["other"] = Receiver(SECRET)
    (check,) = check_import_path(hooks)
    assert check.state == "fail"
    assert path in check.message


def test_path_of_the_receiver_is_sound(module: ModuleType) -> None:
    hooks = vars(module)["hooks"] = queued("doctored:hooks")
    (check,) = check_import_path(hooks, lambda _: [])
    assert (check.name, check.state) == ("worker-imports", "ok")
    assert list(check_import_path(Receiver(SECRET))) == []


@pytest.mark.one_process
def test_receivers_of_one_line_meet_on_one_server() -> None:
    built = [Receiver(SECRET, store=RedisStore(URL)) for _ in range(2)]
    (check,) = check_sharing(built[0])
    assert check.name == "receivers-meet"
    assert "name=" in check.hint
    built[1].close()
    assert list(check_sharing(built[0])) == []
    built[0].close()


def test_small_limit_of_bodies_is_found() -> None:
    (check,) = check_size(Receiver(SECRET, store=MemoryStore(), max_body=1000))
    assert check.name == "body-limit"
    assert list(check_size(Receiver(SECRET))) == []
