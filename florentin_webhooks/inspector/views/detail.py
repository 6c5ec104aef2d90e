"""The page of one delivery."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from florentin_webhooks.core.replay.conditions import is_running
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Status
from florentin_webhooks.inspector.sources import name_of
from florentin_webhooks.inspector.views.checks import Check, check_record, check_refusal
from florentin_webhooks.inspector.views.progress import HandlerProgress, follow_handlers
from florentin_webhooks.inspector.views.snippets import as_curl, as_pytest, path_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.stores.queries import Record
    from florentin_webhooks.inspector.header_capture import MaskedHeaders
    from florentin_webhooks.inspector.sources import Sources
    from florentin_webhooks.inspector.trail import Arrival, Story

__all__ = ["Content", "Detail", "RefusalDetail", "describe_delivery", "describe_refusal"]

_MOST_SHOWN = 100_000


@dataclass(frozen=True, slots=True)
class Content:
    """What a delivery holds: its body, *pretty* where it is JSON, and how to send it again."""

    pretty: str = field(repr=False)
    raw: str = field(repr=False)
    curl: str = field(repr=False)
    pytest: str = field(repr=False)
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Detail:
    """One delivery: its record, its checks, its handlers, and what the trail has of it.

    *content* is None where bodies are not shown, or where there is none any more.
    """

    record: Record
    status: Status
    receiver: str
    app: str
    checks: Sequence[Check]
    handlers: Sequence[HandlerProgress]
    arrivals: Sequence[Arrival]
    headers: MaskedHeaders
    content: Content | None
    size: int

    @property
    def can_replay(self) -> bool:
        """Whether handlers that have not finished can run again."""
        retryable = {Status.FAILED, Status.DEAD, Status.STALE, Status.INVALID, Status.SCHEDULED}
        return self.size > 0 and self.status in retryable

    @property
    def can_replay_all(self) -> bool:
        """Whether all its handlers can run again."""
        is_busy = self.record.state is State.QUEUED or is_running(self.record)
        return self.size > 0 and not is_busy

    @property
    def can_discard(self) -> bool:
        """Whether it can be discarded."""
        return self.record.state is not State.DONE and not is_running(self.record)


@dataclass(frozen=True, slots=True)
class RefusalDetail:
    """A request that was refused and not stored."""

    arrival: Arrival
    checks: Sequence[Check]


def describe_delivery(
    sources: Sources, record: Record, story: Story, *, show_bodies: bool, url: str
) -> Detail:
    """Return the page of *record*."""
    hooks = sources.owner(record)
    headers = next((each.headers for each in story.arrivals if each.headers), ())
    content = _content(sources, record, url) if show_bodies and record.body else None
    return Detail(
        record=record,
        status=record.status(datetime.now(UTC)),
        receiver=name_of(hooks),
        app=path_of(hooks),
        checks=check_record(hooks, record, story),
        handlers=follow_handlers(record, sources.handlers(record), story),
        arrivals=tuple(story.arrivals),
        headers=headers,
        content=content,
        size=len(record.body),
    )


def describe_refusal(arrival: Arrival) -> RefusalDetail:
    """Return the page of a request that was refused."""
    return RefusalDetail(arrival, check_refusal(arrival))


def _content(sources: Sources, record: Record, url: str) -> Content:
    hooks, raw = sources.owner(record), record.body.decode("utf-8", "replace")
    return Content(
        pretty=_pretty(record.body)[:_MOST_SHOWN],
        raw=raw[:_MOST_SHOWN],
        curl=as_curl(hooks, record, url),
        pytest=as_pytest(hooks, record),
        is_cut=len(raw) > _MOST_SHOWN,
    )


def _pretty(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return ""
