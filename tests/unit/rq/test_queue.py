"""How a queue is set up, and under which path workers find a receiver."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from florentin_webhooks import Receiver, RedisStore, RQQueue
from florentin_webhooks.core.loader import load_receiver
from florentin_webhooks.core.routing.import_path import find_import_path
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event
from tests.support.vectors import CANONICAL, SECRET, delivery

NOWHERE = "redis://127.0.0.1:1"


def bill(_event: Event) -> None: ...


def receiver(queue: RQQueue | None = None) -> Receiver:
    return Receiver(
        SECRET, store=RedisStore(NOWHERE), queue=queue or RQQueue(receiver="shop:hooks")
    )


@pytest.fixture
def module() -> Iterator[ModuleType]:
    """A module that can be imported by its name."""
    made = ModuleType(f"shop_{uuid4().hex}")
    sys.modules[made.__name__] = made
    yield made
    sys.modules.pop(made.__name__, None)


@pytest.mark.answers("RQ-13")
@pytest.mark.parametrize("retries", [(), (0,), (5, 0), (-1,), (0.5,), (1.5,), ("5",), (None,)])
def test_retries_are_whole_seconds_and_at_least_one(retries: Any) -> None:
    with pytest.raises(ConfigurationError, match="retries is"):
        RQQueue(retries=retries)


@pytest.mark.parametrize("timeout", [0, -1, 0.5, 90.0, "60", None])
def test_a_timeout_is_whole_seconds(timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout is"):
        RQQueue(timeout=timeout)


def test_a_store_that_cannot_push_jobs_has_no_queue() -> None:
    with pytest.raises(ConfigurationError, match="MemoryStore cannot push jobs"):
        Receiver(SECRET, queue=RQQueue())


def test_the_path_is_found_where_the_receiver_stands(module: ModuleType) -> None:
    module.hooks = hooks = receiver(RQQueue())  # type: ignore[attr-defined]  # a module is open.
    assert hooks.path == f"{module.__name__}:hooks"
    assert load_receiver(hooks.path) is hooks


def test_the_path_leads_to_the_module_of_its_handlers_where_others_import_it(
    module: ModuleType,
) -> None:
    module.hooks = hooks = receiver(RQQueue())  # type: ignore[attr-defined]  # a module is open.
    before = ModuleType("aaa_program")
    before.imported = hooks  # type: ignore[attr-defined]  # the same.

    def handler(_event: Event) -> None: ...

    handler.__module__, handler.__qualname__ = module.__name__, "handler"
    hooks.on(Event)(handler)
    sys.modules["aaa_program"] = before
    try:
        assert hooks.path == f"{module.__name__}:hooks"
    finally:
        del sys.modules["aaa_program"]


def test_a_path_that_was_told_is_not_looked_for() -> None:
    assert receiver(RQQueue(receiver="shop.hooks:hooks")).path == "shop.hooks:hooks"


@pytest.mark.parametrize("name", ["__main__", "__mp_main__"])
def test_the_program_that_was_started_is_no_module_to_import(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = ModuleType(name)
    main.hooks = hooks = receiver(RQQueue())  # type: ignore[attr-defined]  # a module is open.
    monkeypatch.setitem(sys.modules, name, main)
    with pytest.raises(ConfigurationError, match="Workers cannot import this receiver"):
        _ = hooks.path


def test_a_receiver_that_a_function_builds_is_refused_with_advice() -> None:
    hooks = receiver(RQQueue())
    hooks.on(Event)(bill)
    with pytest.raises(ConfigurationError, match=r'RQQueue\(receiver="shop.hooks:hooks"\)'):
        hooks.receive(*delivery(CANONICAL)[:2])


def test_what_is_no_module_does_not_disturb_the_search(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "barred", None)
    monkeypatch.setitem(sys.modules, "slotted", object())
    module.hooks = hooks = receiver(RQQueue())  # type: ignore[attr-defined]  # a module is open.
    assert find_import_path(hooks, frozenset()) == f"{module.__name__}:hooks"


def test_the_environment_can_ask_for_a_queue() -> None:
    environ = {"FLORENTIN_WEBHOOK_SECRET": SECRET, "FLORENTIN_REDIS_URL": NOWHERE}
    assert Receiver.from_env(environ).queue is None
    hooks = Receiver.from_env({**environ, "FLORENTIN_QUEUE": "hooks"})
    assert isinstance(hooks.queue, RQQueue)
    assert (hooks.queue.name, hooks.queue.timeout) == ("hooks", 60)
    assert hooks.queue.retries == (5, 30, 120, 600, 1800)


def test_a_queue_in_the_environment_needs_redis() -> None:
    environ = {"FLORENTIN_WEBHOOK_SECRET": SECRET, "FLORENTIN_QUEUE": "hooks"}
    with pytest.raises(ConfigurationError, match="Use a Redis store"):
        Receiver.from_env(environ)
    bad = {**environ, "FLORENTIN_REDIS_URL": NOWHERE, "FLORENTIN_QUEUE": "a b"}
    with pytest.raises(ConfigurationError, match="letters, digits"):
        Receiver.from_env(bad)
