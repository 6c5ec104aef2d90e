"""The overview: rates, durations, queues, secrets, stores and spools."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.stores.memory import MemoryStore
from florentin_webhooks.core.stores.queries import ListRecords
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.inspector.rates import KINDS
from florentin_webhooks.inspector.sources import name_of
from florentin_webhooks.inspector.views.charts import build_chart

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.spool import SpoolFacts
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.inspector.rates import Percentiles
    from florentin_webhooks.inspector.sources import Sources
    from florentin_webhooks.inspector.trail import Trail
    from florentin_webhooks.inspector.views.charts import Chart
    from florentin_webhooks.rq.monitoring import QueueStatus

__all__ = ["Overview", "SecretUse", "StoreHealth", "describe_overview"]


class SecretUse(NamedTuple):
    """A configured secret and when it was last used, None if not yet."""

    receiver: str
    name: str
    last_used: datetime | None


class StoreHealth(NamedTuple):
    """A store, whether it answers, and how long its answer took."""

    name: str
    address: str
    ok: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Overview:
    """What the overview shows."""

    charts: Sequence[Chart]
    accepting: Percentiles | None
    handling: Percentiles | None
    queues: Sequence[QueueStatus]
    secrets: Sequence[SecretUse]
    stores: Sequence[StoreHealth]
    spools: Sequence[SpoolFacts] = ()

    @property
    def facts(self) -> Overview:
        """The overview without the time that each store took, which always differs."""
        return replace(self, stores=[store._replace(seconds=0) for store in self.stores])


def describe_overview(sources: Sources, trail: Trail) -> Overview:
    """Return the overview; a store that does not answer is shown as such."""
    rates = trail.rates
    hour = {kind: rates.series(kind, 60, 1) for kind in KINDS}
    day = {kind: rates.series(kind, 48, 30) for kind in KINDS}
    health = [_check_store(store) for store in sources.stores]
    return Overview(
        charts=(
            build_chart("Last hour", "minute", hour),
            build_chart("Last day", "half hour", day),
        ),
        accepting=rates.accepting,
        handling=rates.handling,
        queues=_queues(sources) if all(each.ok for each in health) else (),
        secrets=[*_secrets(sources, trail)],
        stores=health,
        spools=[*_spools(sources)],
    )


def _check_store(store: Store) -> StoreHealth:
    address = getattr(store, "address", "")
    name = "memory of this process" if isinstance(store, MemoryStore) else type(store).__name__
    began = time.monotonic()
    try:
        store.execute(ListRecords(1, bodies=False))
    except Unavailable:
        return StoreHealth(name, address, ok=False, seconds=time.monotonic() - began)
    return StoreHealth(name, address, ok=True, seconds=time.monotonic() - began)


def _spools(sources: Sources) -> Iterator[SpoolFacts]:
    """Yield what waits in the spool of this machine, of each file once."""
    spools = {each.spool.path: each.spool for each in sources.receivers if each.spool is not None}
    yield from (spool.measure() for spool in spools.values())


def _queues(sources: Sources) -> Sequence[QueueStatus]:
    """Return the status of each queue once; only a store in Redis has queues."""
    found: dict[str, QueueStatus] = {}
    for hooks in sources.receivers:
        for name in hooks.queue_names:
            if name not in found:
                siblings = [each for each in sources.receivers if each is not hooks]
                found[name] = _queue_status(hooks, name, siblings)
    return tuple(found.values())


def _secrets(sources: Sources, trail: Trail) -> Iterator[SecretUse]:
    for hooks in sources.receivers:
        receiver = hooks.reporter.receiver
        names = [*hooks.secrets, *(name for owner, name in trail.secrets if owner == receiver)]
        for name in dict.fromkeys(names):
            yield SecretUse(name_of(hooks), name, trail.secrets.get((receiver, name)))


def _queue_status(
    hooks: Receiver[object], name: str, siblings: Sequence[Receiver[object]]
) -> QueueStatus:
    from florentin_webhooks.rq.lanes.status import read_status  # noqa: PLC0415 - only with a queue.

    return read_status(hooks, name, siblings)
