"""One realistic payload per event, shared by tests, the command line and the docs.

The fields of ``invoice.created`` are Florentin's documented example; the others are plausible, and
Florentin may send different ones.
"""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.base import Sample
from florentin_webhooks.senders.florentin.signature import iso_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["SAMPLES", "restamp", "sample", "sample_envelope"]

_ACCOUNT = {"id": "acc_5f1d", "name": "Ada Books", "email": "billing@adabooks.example"}
_USER = {"id": "usr_31c8", "name": "Ada Byron", "email": "ada@adabooks.example"}


def _subscription(status: str, plan: str, previous: str | None = None) -> dict[str, object]:
    facts = {"id": "sub_9a27", "status": status, "plan": plan}
    if previous is not None:
        facts["previous_plan"] = previous
    return {"subscription": facts, "account": _ACCOUNT}


SAMPLES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "account.created": {"account": _ACCOUNT},
        "user.login": {"user": _USER, "account": _ACCOUNT},
        "subscription.purchased": _subscription("active", "team"),
        "subscription.upgraded": _subscription("active", "business", "team"),
        "subscription.downgraded": _subscription("active", "team", "business"),
        "subscription.cancelled": _subscription("cancelled", "team"),
        "invoice.created": {
            "invoice": {
                "id": "inv_42",
                "number": "INV-0042",
                "status": "open",
                "amount_due": 4900,
                "currency": "eur",
            }
        },
        "team_member.added": {
            "member": {"id": "mem_77", "email": "grace@adabooks.example", "role": "editor"},
            "team": {"id": "team_4", "name": "Editorial"},
            "account": _ACCOUNT,
        },
        "tos.accepted": {"terms": {"version": "2026-01"}, "user": _USER, "account": _ACCOUNT},
        "usage.metrics_updated": {
            "metrics": {"api_calls": 12840, "storage_gb": 3.5},
            "account": _ACCOUNT,
        },
    }
)
"""The ``data`` of each event in the catalogue."""


def sample(event: str) -> dict[str, Any]:  # Any: JSON, for the caller to change as they like.
    """Return a copy of the sample ``data`` for *event*, yours to change.

    Raises :class:`ConfigurationError` for a type that is not in the catalogue.
    """
    if event not in SAMPLES:
        raise ConfigurationError(
            f"There is no sample for {event!r}.", f"Use one of: {', '.join(SAMPLES)}."
        )
    return deepcopy(dict(SAMPLES[event]))


def sample_envelope(
    event: str, data: Mapping[str, object], _delivery_id: str, time: datetime
) -> Sample:
    """Return the envelope of *event* with *data*."""
    envelope = {"event": event, "timestamp": iso_timestamp(time), "data": data}
    return Sample(json.dumps(envelope).encode(), event)


def restamp(body: bytes, time: datetime) -> bytes:
    """Return *body* with the timestamp *time*, or one that is a millisecond later.

    Two attempts within one millisecond would be the same bytes.
    """
    envelope = json.loads(body)
    stamps = [iso_timestamp(time + timedelta(milliseconds=each)) for each in (0, 1)]
    envelope["timestamp"] = next(each for each in stamps if each != envelope.get("timestamp"))
    return json.dumps(envelope).encode()
