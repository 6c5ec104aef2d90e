"""One process of the story: a fork that runs one task and asks its parent for everything else."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from inspect import currentframe
from multiprocessing import Pipe
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Protocol, TypeVar, cast

from florentin_webhooks.core.stores.atomic import RunInTransaction
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.testing.effects import observe_effects
from florentin_webhooks.testing.prove.patches import track_keys
from florentin_webhooks.testing.store import RecordingStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.base import Operation
    from florentin_webhooks.testing.prove.patches import NamedEffect

__all__ = ["Effect", "Ended", "Process", "Refused", "start"]

A = TypeVar("A")


class _Connection(Protocol):
    """One end of a pipe, for values of the classes here and for operations."""

    def send(self, value: object, /) -> None: ...
    def recv(self) -> object: ...
    def poll(self, timeout: float, /) -> bool: ...
    def close(self) -> None: ...


class Effect(NamedTuple):
    """A child is about to do *name*; *key* is that of the other service, if there is one."""

    name: str
    handler: str
    key: str


class Ended(NamedTuple):
    """A child has ended with *result*; *failures* are what its handlers raised, as texts."""

    result: object
    failures: tuple[str, ...]


class Refused(NamedTuple):
    """The parent cannot execute an operation."""

    message: str
    hint: str


class Process(NamedTuple):
    """A child and the connection to it."""

    pid: int
    connection: _Connection


class _RemoteStore(RecordingStore):
    """The store of the parent, as a child sees it."""

    def __init__(self, like: RecordingStore, connection: _Connection) -> None:
        super().__init__(_no_clock, lease=like.lease, retention=like.retention, atomic=like.atomic)
        self._connection = connection

    def execute(self, operation: Operation[A]) -> A:
        """Execute *operation* in the parent."""
        if isinstance(operation, RunInTransaction):
            return cast("A", self._transact(operation))
        self._connection.send(operation)
        answer = self._connection.recv()
        if isinstance(answer, Refused):
            raise ConfigurationError(*answer)
        return cast("A", answer)


def _no_clock() -> NoReturn:
    raise NotImplementedError


def start(
    receiver: Receiver[object],
    store: RecordingStore,
    task: Callable[[], object],
    named: Sequence[NamedEffect],
) -> Process:
    """Fork a child that does *task* with *receiver* on the parent's *store*, and return it."""
    ours, theirs = cast("tuple[_Connection, _Connection]", Pipe())
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():  # Threads of the program are not in the child, as in servers.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        theirs.close()
        return Process(pid, ours)
    try:
        ours.close()
        _Child(receiver, store, theirs).run(task, named)
    finally:
        os._exit(1)  # Also after what nothing may catch: a child must never go on as the parent.


class _Child:
    """This process, once it is a child."""

    def __init__(
        self, receiver: Receiver[object], store: RecordingStore, connection: _Connection
    ) -> None:
        self._receiver, self._connection = receiver, connection
        self._failures: list[str] = []
        self._handlers = {
            code: handler.name
            for handler in receiver.router.handlers
            if (code := getattr(handler.function, "__code__", None))
        }
        receiver.store = _RemoteStore(store, connection)

    def run(self, task: Callable[[], object], named: Sequence[NamedEffect]) -> None:
        """Do *task*, and send how it ended."""
        gc.freeze()  # A collection would copy the memory of the whole program.
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        track_keys()
        for each in named:
            each.patch()
        observe_effects(self._announce)
        self._receiver.on_failure(self._note)
        self._connection.send(Ended(task(), tuple(self._failures)))
        os._exit(0)

    def _announce(self, name: str, key: str) -> None:
        self._connection.send(Effect(name, self._handler(), key))
        self._connection.recv()

    def _note(self, failure: Any) -> None:  # Any: a HandlerFailure.
        error = failure.error
        self._failures.append(f"{failure.handler}: {type(error).__name__}: {error}")

    def _handler(self) -> str:
        """Return the handler on the stack of the caller."""
        frame = currentframe()
        while frame is not None:
            if name := self._handlers.get(frame.f_code):
                return name
            frame = frame.f_back
        return ""
