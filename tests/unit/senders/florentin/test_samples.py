"""The samples: one per event, as Florentin documents them where it does, and safe to change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import CATALOGUE, parse_event
from florentin_webhooks.senders.florentin.samples import SAMPLES, sample


def unnamed_fields(model: object) -> list[str]:
    """The fields of *model* and of what it holds that its class does not name."""
    if not isinstance(model, BaseModel):
        return []
    within = [name for value in dict(model).values() for name in unnamed_fields(value)]
    return [*(model.model_extra or {}), *within]


def test_there_is_a_sample_for_every_event() -> None:
    assert list(SAMPLES) == list(CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_sample_holds_only_fields_that_its_model_names(name: str) -> None:
    now = datetime(2026, 6, 6, 12, tzinfo=UTC)
    event = parse_event({"event": name, "timestamp": now, "data": sample(name)})
    assert unnamed_fields(event) == []


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_sample_loses_nothing_in_its_model(name: str) -> None:
    now = datetime(2026, 6, 6, 12, tzinfo=UTC)
    event = parse_event({"event": name, "timestamp": now, "data": sample(name)})
    assert event.data.model_dump(exclude_unset=True) == sample(name)


def test_the_invoice_is_the_documented_one() -> None:
    assert {**sample("invoice.created")["invoice"], "id": "…"} == {
        "id": "…",
        "number": "INV-0042",
        "status": "open",
        "amount_due": 4900,
        "currency": "eur",
    }


@pytest.mark.parametrize("name", CATALOGUE)
def test_changed_sample_leaves_the_others_unchanged(name: str) -> None:
    for part in (changed := sample(name)).values():
        part["id"] = "changed"
    assert all(sample(each) != changed for each in CATALOGUE)


def test_event_without_a_sample_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"no sample for 'ping'\. Use one of: account"):
        sample("ping")
