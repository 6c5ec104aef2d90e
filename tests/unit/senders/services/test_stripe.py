"""Stripe: snapshot and thin events, several signatures, and retries with other bytes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from florentin_webhooks.errors import InvalidSignature
from florentin_webhooks.protocol.delivery import Outcome
from tests.support.senders import CASES, NOW

pytestmark = pytest.mark.one_process
STRIPE = next(case for case in CASES if case.name == "stripe")
CREATED = NOW - timedelta(minutes=1)


def test_snapshot_event_has_stripes_data_id_and_time() -> None:
    request = STRIPE.make(created=int(CREATED.timestamp()), livemode=False)
    delivery, event = STRIPE.receiver().verify(request.headers, request.body)
    assert (delivery.delivery_id, event.timestamp) == ("evt_1", CREATED)
    assert event.data == {"amount": 5}
    assert event.model_extra == {"id": "evt_1", "type": "invoice.paid", "created": 1780747140} | {
        "livemode": False
    }


def test_thin_event_is_its_own_data() -> None:
    thin: dict[str, object] = {
        "object": "v2.core.event",
        "type": "v1.billing.meter.no_meter_found",
        "id": "evt_2",
    }
    thin |= {"created": "2026-06-06T11:59:00.000Z", "related_object": None}
    request = STRIPE.sign(STRIPE.encode(thin))
    delivery, event = STRIPE.receiver().verify(request.headers, request.body)
    assert (delivery.event, event.timestamp, event.data) == (thin["type"], CREATED, thin)


def test_one_good_signature_of_several_is_enough() -> None:
    request = STRIPE.make()
    time, signature = request.headers["Stripe-Signature"].split(",")
    for items in ([time, "v1=" + "0" * 64, signature], [signature, "v0=ab", time]):
        headers = {"Stripe-Signature": ",".join(items)}
        assert STRIPE.receiver().verify(headers, request.body)[0].event == "invoice.paid"


def test_two_times_are_refused() -> None:
    request = STRIPE.make()
    headers = {"Stripe-Signature": "t=1," + request.headers["Stripe-Signature"]}
    with pytest.raises(InvalidSignature, match="repeated"):
        STRIPE.receiver().verify(headers, request.body)


def test_retry_with_other_bytes_under_a_signed_id_is_duplicate() -> None:
    hooks, runs = STRIPE.receiver(), list[object]()
    hooks.on_unknown(runs.append)
    requests = [STRIPE.make(pending_webhooks=count) for count in (2, 1)]
    outcomes = [hooks.receive(each.headers, each.body).outcome for each in requests]
    assert outcomes == [Outcome.PROCESSED, Outcome.DUPLICATE]
    assert len(runs) == 1


def test_other_id_is_another_event() -> None:
    hooks = STRIPE.receiver()
    hooks.on_unknown(print)
    requests = [STRIPE.make(id=each) for each in ("evt_1", "evt_2")]
    assert [hooks.receive(each.headers, each.body).outcome for each in requests] == [
        Outcome.PROCESSED
    ] * 2


def test_memory_outlasts_three_days_of_retries() -> None:
    assert STRIPE.receiver().store.retention >= timedelta(days=3)
