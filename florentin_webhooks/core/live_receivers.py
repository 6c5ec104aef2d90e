"""The receivers of this process: two with one identity on one store would share deliveries.

An app factory may be called again, as tests do: receivers that are built at one line of source are
one receiver, unless they share the store object itself. A receiver that is closed, or that nothing
refers to any more, does not count, nor does the one of Django's settings or Flask's config, which a
program may have beside its own.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from inspect import currentframe
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Hashable
    from types import FrameType

    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.protocol.fingerprint import Identity

__all__ = ["ensure_distinct", "forget", "places_sharing"]

_PACKAGE = str(Path(__file__).parents[1])
_HOSTS = tuple(str(Path(_PACKAGE, room)) for room in ("django", "flask"))
"""Rooms that build the receiver of a program's settings, which it may leave unused."""

_INTERACTIVE = ("<stdin>", "<python-input", "<ipython-input")
"""What a person types again replaces what was typed before."""


@dataclass(frozen=True, slots=True)
class _Built:
    """What distinguishes a receiver from others, and the line of source that built it."""

    identity: Identity
    store: Store
    place: tuple[str, int]

    def shares_deliveries(self, other: _Built) -> bool:
        is_one = self.place == other.place and self.store is not other.store
        return self.meets(other) and not is_one

    def meets(self, other: _Built) -> bool:
        if set(self.identity.all_key_ids).isdisjoint(other.identity.all_key_ids):
            return False
        location = _location(self.store)
        is_same = location is not None and location == _location(other.store)
        return self.store is other.store or is_same


_live: WeakKeyDictionary[object, _Built] = WeakKeyDictionary()
_lock = Lock()


def ensure_distinct(receiver: object, identity: Identity, store: Store) -> None:
    """Raise :class:`ConfigurationError` if another receiver would share the deliveries of this one.

    *receiver* is registered until it is closed or collected.
    """
    built = _Built(identity, store, _place(currentframe()))
    if built.place[0].startswith((*_HOSTS, *_INTERACTIVE)):
        return
    if _find(built):
        gc.collect()  # A receiver and its handlers refer to each other.
        if other := _find(built):
            raise ConfigurationError(
                "Two receivers have the same secret and the same store, so each would take the "
                f"other's deliveries for duplicates: the first was built at {_show(other.place)}.",
                'Give one of them a name: Receiver(..., name="crm").',
            )
    with _lock:
        _live[receiver] = built


def forget(receiver: object) -> None:
    """Forget *receiver*, which is closed."""
    with _lock:
        _live.pop(receiver, None)


def places_sharing(receiver: object) -> list[str]:
    """Return where others were built that share the deliveries of *receiver*, for a person.

    Those from one line of source are there as well: a loop builds several on purpose.
    """
    gc.collect()  # As below: a receiver and its handlers refer to each other.
    with _lock:
        built = _live.get(receiver)
        others = [each for each in _live.values() if each is not built]
    return [_show(each.place) for each in others if built is not None and built.meets(each)]


def _find(built: _Built) -> _Built | None:
    with _lock:
        return next((each for each in _live.values() if each.shares_deliveries(built)), None)


def _location(store: Store) -> Hashable:
    return getattr(store, "location", None)


def _place(frame: FrameType | None) -> tuple[str, int]:
    """Return file and line of the first caller outside this package, or of a host's room."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_HOSTS) or not file.startswith(_PACKAGE):
            return file, frame.f_lineno
        frame = frame.f_back
    return "", 0


def _show(place: tuple[str, int]) -> str:
    return f"{Path(place[0]).name}:{place[1]}"
