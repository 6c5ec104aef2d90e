"""Deliveries of any sender at any receiver, on generated texts: only its own verifies them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from florentin_webhooks.errors import InvalidSignature, MalformedDelivery
from tests.support.senders import CASES, NOW, URL, Request, SenderCase

COMPATIBLE = {("svix", "standard_webhooks")}
"""The receiver and the sender of pairs with one format and one secret."""

cases = st.sampled_from(CASES)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
SCHEMES = {case.name: case.sender.scheme(case.secrets) for case in CASES}


def verifies(receiver: SenderCase, request: Request) -> bool:
    try:
        SCHEMES[receiver.name].authenticate(request.headers, request.body, NOW, URL)
    except (InvalidSignature, MalformedDelivery):
        return False
    return True


@pytest.mark.one_process
@settings(max_examples=60, deadline=None)
@given(sender=cases, note=texts, delivery_id=st.uuids().map(str))
def test_only_its_own_receiver_verifies(sender: SenderCase, note: str, delivery_id: str) -> None:
    request = sender.make(NOW, delivery_id, note=note)
    verifying = {case.name for case in CASES if verifies(case, request)}
    compatible = {receiver for receiver, name in COMPATIBLE if name == sender.name}
    assert verifying == {sender.name, *compatible}
