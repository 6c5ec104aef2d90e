"""What the pages show of the log and of the settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from florentin_webhooks.senders.florentin.samples import SAMPLES
from florentin_webhooks.simulator.webhooks.entries import State
from florentin_webhooks.simulator.webhooks.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from florentin_webhooks.simulator.engine import Engine
    from florentin_webhooks.simulator.webhooks.entries import Delivery
    from florentin_webhooks.simulator.webhooks.outbox import Target

__all__ = ["Detail", "Listed", "Settings", "describe", "describe_list", "describe_settings"]

_ROWS = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the log; *older* is the query of the next one."""

    rows: Sequence[Delivery]
    counts: Mapping[State, int]
    state: str
    is_first: bool
    older: str
    has_endpoint: bool


@dataclass(frozen=True, slots=True)
class Detail:
    """One delivery, with its body as it can be read."""

    delivery: Delivery
    body: str
    can_replay: bool
    faults: Sequence[str]


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set; *rates* are in percent."""

    endpoints: Sequence[Target]
    events: Sequence[str]
    rates: Mapping[str, str]
    sender: str
    waits: Sequence[float]


def describe_list(engine: Engine, query: Mapping[str, str]) -> Listed:
    """Return the page of the log that *query* asks for."""
    state = query.get("state", "") if query.get("state") in set(State) else ""
    before = query.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None  # noqa: PLR2004
    with engine.log() as log:
        rows, counts = log.page(_ROWS, before=number, state=state), log.counts()
    kept = f"&state={state}" if state else ""
    older = f"?before={rows[-1].sequence}{kept}" if len(rows) == _ROWS else ""
    return Listed(rows, counts, state, number is None, older, bool(engine.endpoints()))


def describe(engine: Engine, delivery: Delivery) -> Detail:
    """Return what the page of one delivery shows."""
    has_endpoint = delivery.url in {each.url for each in engine.endpoints()}
    can_replay = has_endpoint and delivery.state is not State.PENDING
    return Detail(delivery, _pretty(delivery.body), can_replay, _now())


def describe_settings(engine: Engine) -> Settings:
    """Return what the page of settings shows."""
    rates = {fault.value: f"{100 * engine.faults.rates.get(fault, 0):g}" for fault in Fault}
    events = [*engine.sender.catalogue] or [*SAMPLES]
    return Settings(engine.endpoints(), events, rates, engine.sender.name, engine.waits)


def _now() -> Sequence[str]:
    """Return the faults of a single attempt."""
    return [fault.value for fault in Fault if not fault.is_early]


def _pretty(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body.decode("utf-8", "replace")
