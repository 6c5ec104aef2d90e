"""Describe each operation as one call of a Lua script: script, keys, arguments, how to read it.

Described once, carried out by two executors. Knows no client.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha1
from importlib.resources import files
from typing import Any, NamedTuple

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.stores import Accept, Claim, Finish, Operation, State, Verdict

__all__ = ["Call", "Script", "Scripts"]

Words = tuple[bytes | str | int, ...]


class Script(NamedTuple):
    """Hold a script and the digest under which the server remembers it."""

    text: str
    sha: str


class Call(NamedTuple):
    """Hold one call of a script, and *read*, which turns the server's answer into ours.

    *size* is the length of the body in it. *may_fail*: nothing has happened yet, so that a server
    with too much to do may go without.
    """

    script: Script
    keys: Words
    arguments: Words
    read: Callable[[Any], object]  # Any: what a RESP parser gives.
    size: int
    may_fail: bool

    def command(self) -> Words:
        """Give the command that the server can answer when it remembers the script."""
        return ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.arguments)

    def full_command(self) -> Words:
        """Give the command that the server can always answer; it remembers the script after."""
        return ("EVAL", self.script.text, len(self.keys), *self.keys, *self.arguments)


class Scripts:
    """Describe operations for one key prefix and one set of lifetimes."""

    def __init__(
        self, prefix: str, *, retention: timedelta, lease: timedelta, keep: timedelta
    ) -> None:
        self._records = prefix.encode() + b"d"
        self._ids = prefix.encode() + b"i"
        self._retention, self._lease, self._keep = map(_milliseconds, (retention, lease, keep))

    def call(self, operation: Operation[Any]) -> Call:  # Any: the answer is read by the call.
        """Give the call that carries *operation* out."""
        if isinstance(operation, Accept):
            return self._accept(operation)
        if isinstance(operation, Finish):
            return self._finish(operation)
        message = f"RedisStore cannot carry out {type(operation).__name__}"
        raise ConfigurationError(message)

    def _accept(self, accept: Accept) -> Call:
        delivery, trace = accept.delivery, accept.trace
        keys: Words = (self._records + accept.key,)
        if trace is not None:
            keys = (*keys, self._ids + trace.delivery_id)
        arguments = (
            self._records,
            accept.key,
            trace.content if trace else b"",
            accept.token,
            int(accept.fresh),
            int(accept.valid),
            self._lease,
            self._retention,
            self._keep,
            delivery.body,
            delivery.event,
            delivery.delivery_id or "",
            delivery.received_at.isoformat(),
        )
        return Call(_ACCEPT, keys, arguments, _read_claim, len(delivery.body), may_fail=True)

    def _finish(self, finish: Finish) -> Call:
        arguments = (
            finish.token,
            finish.state.value,
            finish.handler or "",
            self._lease,
            self._retention,
            self._keep,
        )
        keys = (self._records + finish.key,)
        return Call(_FINISH, keys, arguments, _read_state, 0, may_fail=False)


def _read_claim(answer: bytes) -> Claim:
    verdict, attempt, wait, reused, changed, *done = answer[_KEY:].split(b"\0")
    return Claim(
        _VERDICTS[verdict],
        answer[:_KEY],
        attempt=int(attempt),
        wait=int(wait) / 1000,
        done=frozenset([name.decode() for name in done]),
        id_reused=reused == b"1",
        id_changed=changed == b"1",
    )


def _read_state(answer: bytes) -> State:
    return _STATES[answer]


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _script(name: str) -> Script:
    text = (files("florentin_webhooks.stores") / f"{name}.lua").read_text()
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


_KEY = 16
_VERDICTS = {verdict.value.encode(): verdict for verdict in Verdict}
_STATES = {state.value.encode(): state for state in State}
_ACCEPT = _script("accept")
_FINISH = _script("finish")
