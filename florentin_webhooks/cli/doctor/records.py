"""Check the newest deliveries in a store: who else writes there, and which handlers they need."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from florentin_webhooks.cli.doctor.check import fail, warn
from florentin_webhooks.core.routing.items import function_of
from florentin_webhooks.core.stores.base import State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.core.stores.queries import Record

__all__ = ["check_records"]

_ENDED = frozenset({State.DONE, State.STALE, State.INVALID})


def check_records(
    records: Sequence[Record], path: str, names: Collection[str], key_ids: Collection[str]
) -> Iterator[Check]:
    """Yield what *records* show about the receiver at *path* with the handlers *names*.

    *key_ids* are those of its secrets; what others have signed is not looked at.
    """
    own = [record for record in records if record.key_id in key_ids]
    yield from _meeting(own, path)
    yield from _missing(own, names)


def _meeting(records: Iterable[Record], path: str) -> Iterator[Check]:
    owners = Counter(record.owner.partition(" ")[0] for record in records if record.owner)
    for other, count in owners.items():
        if other != path:
            message = f"The receiver {other} has this secret and this store: {_count(count)}."
            hint = f"{_NAME} If {other} is the earlier path of this one, wait for its jobs."
            yield warn("receivers-meet", message, hint)


def _missing(records: Iterable[Record], names: Collection[str]) -> Iterator[Check]:
    waiting: Counter[str] = Counter()
    for record in records:
        if record.state not in _ENDED:
            wanted = {name for queue in record.open_queues for name in record.waiting[queue]}
            left = {function_of(name) for name in wanted - record.handlers.keys()}
            waiting.update(left - {*names})
    for name, count in waiting.items():
        message = f"{name} is not registered any more, but is waited for: {_count(count)}."
        hint = "Register it again, also under its old name, or discard the deliveries."
        yield fail("handler-missing", message, hint)


_NAME = 'Give one of the two a name: Receiver(..., name="crm").'


def _count(number: int) -> str:
    return f"{number} {'delivery' if number == 1 else 'deliveries'}"
