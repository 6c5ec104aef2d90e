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
@pytest.mark.parametrize(
    "retries", [(), (0,), (5, 0), (-1,), (0.5,), (1.5,), ("5",), (None,), None, 5]
)
def test_invalid_retries_are_refused(retries: Any) -> None:
    with pytest.raises(ConfigurationError, match="retries is"):
        RQQueue(retries=retries)


@pytest.mark.parametrize("timeout", [0, -1, 0.5, 90.0, "60", None])
def test_invalid_timeout_is_refused(timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout is"):
        RQQueue(timeout=timeout)


def test_store_without_jobs_refuses_a_queue() -> None:
    with pytest.raises(ConfigurationError, match="MemoryStore cannot push jobs"):
        Receiver(SECRET, queue=RQQueue())


def test_import_path_is_found_in_the_receivers_module(module: ModuleType) -> None:
    module.hooks = hooks = receiver(RQQueue())  # type: ignore[attr-defined]  # a module is open.
    assert hooks.path == f"{module.__name__}:hooks"
    assert load_receiver(hooks.path) is hooks


def test_import_path_prefers_the_module_of_the_handlers(
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


def test_configured_import_path_is_not_searched() -> None:
    assert receiver(RQQueue(receiver="shop.hooks:hooks")).path == "shop.hooks:hooks"


@pytest.mark.parametrize("name", ["__main__", "__mp_main__"])
def test_receiver_in_main_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    main = ModuleType(name)
    main.hooks = hooks = receiver(RQQueue())  # type: ignore[attr-defined]  # a module is open.
    monkeypatch.setitem(sys.modules, name, main)
    with pytest.raises(ConfigurationError, match="Workers cannot import this receiver"):
        _ = hooks.path


def test_receiver_in_a_function_is_refused_with_a_hint() -> None:
    hooks = receiver(RQQueue())
    hooks.on(Event)(bill)
    with pytest.raises(ConfigurationError, match=r'RQQueue\(receiver="shop.hooks:hooks"\)'):
        hooks.receive(*delivery(CANONICAL)[:2])


def test_objects_that_are_not_modules_do_not_disturb_the_search(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "barred", None)
    monkeypatch.setitem(sys.modules, "slotted", object())
    module.hooks = hooks = receiver(RQQueue())  # type: ignore[attr-defined]  # a module is open.
    assert find_import_path(hooks, frozenset()) == f"{module.__name__}:hooks"


def test_environment_configures_a_queue() -> None:
    environ = {"FLORENTIN_WEBHOOK_SECRET": SECRET, "FLORENTIN_REDIS_URL": NOWHERE}
    assert Receiver.from_env(environ).queue is None
    hooks = Receiver.from_env({**environ, "FLORENTIN_QUEUE": "hooks"})
    assert isinstance(hooks.queue, RQQueue)
    assert (hooks.queue.name, hooks.queue.timeout) == ("hooks", 60)
    assert hooks.queue.retries == (5, 30, 120, 600, 1800)


def test_queue_in_the_environment_requires_redis() -> None:
    environ = {"FLORENTIN_WEBHOOK_SECRET": SECRET, "FLORENTIN_QUEUE": "hooks"}
    with pytest.raises(ConfigurationError, match="Use a Redis store"):
        Receiver.from_env(environ)
    bad = {**environ, "FLORENTIN_REDIS_URL": NOWHERE, "FLORENTIN_QUEUE": "a b"}
    with pytest.raises(ConfigurationError, match="letters, digits"):
        Receiver.from_env(bad)
