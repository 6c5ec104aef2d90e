"""Searches of several calls, each of which follows from the answers before it."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any, TypeVar

from florentin_webhooks.redis.codec.follow_up import FollowUp
from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["Steps", "begin"]

A = TypeVar("A")

Steps = Generator[ScriptCall, Any, A]  # Any: what each call's *read* returns.
"""A search: it yields calls, gets their answers, and returns its own."""


def begin(steps: Steps[Any]) -> ScriptCall:
    """Return the first call of *steps*, whose answer leads to the others."""
    return _continue(next(steps), steps)


def _continue(call: ScriptCall, steps: Steps[Any]) -> ScriptCall:
    return call._replace(read=partial(_advance, call, steps))


def _advance(call: ScriptCall, steps: Steps[A], answer: object) -> FollowUp | A:
    try:
        following = steps.send(call.read(answer))
    except StopIteration as end:
        result: A = end.value
        return result
    return FollowUp(lambda _schema, _operation: _continue(following, steps))
