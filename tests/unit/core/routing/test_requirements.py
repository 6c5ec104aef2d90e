"""Handlers that a receiver or its workers could not run are refused."""

from __future__ import annotations

import pytest

from florentin_webhooks import MemoryStore, Receiver, RedisStore, Router, RQQueue
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event
from tests.support.vectors import SECRET


def mail(_event: Event) -> None: ...


def receiver() -> Receiver:
    """Return a receiver with a queue, which connects to no server."""
    store = RedisStore("redis://127.0.0.1:1")
    return Receiver(SECRET, store=store, queue=RQQueue(receiver="shop:hooks"))


def test_handler_with_a_queue_is_refused_without_a_queue() -> None:
    hooks, router = Receiver(SECRET, store=MemoryStore()), Router()
    router.on(Event, queue="mail")(mail)
    for register in (lambda: hooks.on(Event, queue="mail")(mail), lambda: hooks.include(router)):
        with pytest.raises(ConfigurationError, match=r"has queue='mail', .* has no queue\."):
            register()


@pytest.mark.parametrize("inline", [False, True])
def test_a_handler_that_workers_cannot_import_is_refused_at_registration(inline: bool) -> None:
    def local(_event: Event) -> None: ...

    for function in (local, lambda _event: None):
        hooks = receiver()
        if inline:
            hooks.on(Event, inline=True)(function)
            continue
        with pytest.raises(ConfigurationError, match=r"workers cannot import it.*inline=True"):
            hooks.on(Event)(function)
        router = Router()
        router.on(Event)(function)
        with pytest.raises(ConfigurationError, match="workers cannot import it"):
            hooks.include(router)


def test_handler_of_main_is_refused_before_anything_is_queued() -> None:
    def main(_event: Event) -> None: ...

    main.__module__, main.__qualname__ = "__main__", "bill"
    hooks = receiver()
    hooks.on(Event)(main)  # It may never receive: the program may only print something.
    with pytest.raises(ConfigurationError, match="__main__:bill is defined in __main__"):
        hooks.dispatcher.plan("invoice.created")
