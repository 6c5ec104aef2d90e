"""Handlers of both kinds, in both kinds of program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from florentin_webhooks import Delivery, Receiver, Reply
from florentin_webhooks.errors import HandlerFailed
from florentin_webhooks.events import Event
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import SignedDelivery

Receive = Callable[[Receiver, SignedDelivery], Reply]
Body = Callable[..., object]
"""What a handler does with its event."""


def blocking(receiver: Receiver, made: SignedDelivery) -> Reply:
    return receiver.receive(*made)


def asynchronous(receiver: Receiver, made: SignedDelivery) -> Reply:
    return asyncio.run(receiver.areceive(*made))


both_ways = pytest.mark.parametrize("receive", [blocking, asynchronous])


def as_function(body: Body) -> Callable[..., object]:
    def handler(event: Event, delivery: Delivery) -> object:
        return body(event, delivery)

    return handler


def as_coroutine(body: Body) -> Callable[..., object]:
    async def handler(event: Event, delivery: Delivery) -> object:
        return body(event, delivery)

    return handler


both_kinds = pytest.mark.parametrize("kind", [as_function, as_coroutine])
Kind = Callable[[Body], Any]  # Any: `on` distinguishes plain functions from coroutine functions.


def named(name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return the handler under a name of its own, like a function of a module."""
    handler.__qualname__ = name
    return handler


def raises(error: BaseException) -> Body:
    def body(*_: object) -> NoReturn:
        raise error

    return body


class Failing:
    """A handler that calls *what* the first time, and does nothing later."""

    def __init__(self, what: Callable[[], object]) -> None:
        self._left = [what]

    def __call__(self, *_: object) -> None:
        if self._left:
            self._left.pop()()


def raising(error: BaseException) -> Failing:
    """Return a handler that raises *error* the first time."""

    def fail() -> None:
        raise error

    return Failing(fail)


def failures_of(reply: Reply) -> tuple[BaseException, ...]:
    assert reply.outcome is Outcome.HANDLER_FAILED
    assert isinstance(reply.error, HandlerFailed)
    return reply.error.failures.exceptions
