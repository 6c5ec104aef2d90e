"""The cost of a delivery of each sender, compared with the sender's own package.

Each package is called as its documentation does, and compared with the part of ours that does the
same: the signature alone, the signature and the JSON, or a typed event. The senders that sign with
a long-known secret are measured against packages of which some compute one HMAC and nothing else;
no code in Python that looks for its headers takes a third of that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from starlette.datastructures import Headers

from benchmarks.measure import Row, against, paired
from florentin_webhooks.protocol.frozen import new_tuple

__all__ = ["rows"]

SIGNATURE, JSON, EVENT = "the signature", "signature and JSON", "signature and typed event"
COMMON = [
    (b"host", b"shop.example"),
    (b"user-agent", b"Sender/1.0"),
    (b"accept", b"*/*"),
    (b"content-type", b"application/json"),
    (b"content-length", b"330"),
]
"""Headers that every request has."""
NOTE = "x" * 200
"""What makes the bodies 0.3 KB, as those of other rows."""

Run = Callable[[], object]


class Compared(NamedTuple):
    """A call of a sender's package, and the part of ours that does the same."""

    sender: str
    call: str
    part: str = SIGNATURE
    aim: str = ">= 3"


COMPARED = [
    Compared("stripe", "Webhook.construct_event", EVENT),
    Compared("stripe", "WebhookSignature.verify_header"),
    Compared("standard_webhooks", "Webhook.verify", JSON),
    Compared("standard_webhooks", "Webhook.verify(json_parse=False)"),
    Compared("svix", "Webhook.verify, which returns nothing"),
    Compared("github", "sansio.Event.from_http", JSON),
    Compared("github", "sansio.validate_event"),
    Compared("slack", "SignatureVerifier.is_valid_request"),
    Compared("twilio", "RequestValidator.validate, and parse_qsl"),
    Compared("square", "webhooks_helper.verify_signature"),
    Compared("sendgrid", "EventWebhook.verify_signature", aim=">= 1"),
]
WHY = {
    SIGNATURE: "one HMAC and its header take 1.4 us without any check; the package takes 3 to 9",
    JSON: "ours refuses what is ambiguous in JSON, and checks the event's name and time",
}


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure ours and the peer's in the same rounds, in CPU time.

    Both get the headers as an ASGI server passes them, and end in a verdict.
    """
    if quick:
        return  # The packages are installed for `make bench` only.
    shown: set[str] = set()
    for compared in COMPARED:
        runs = _runs(compared)
        times = paired(runs, 41, time.thread_time)
        what = f"{compared.sender}: {compared.part}, times faster"
        ratios = against(times["theirs"], times["ours"])
        yield Row(what, compared.call, ratios, compared.aim, WHY.get(compared.part, ""))
        if compared.sender not in shown and compared.part != EVENT:
            more = f"{compared.sender}: {EVENT}, times faster"
            yield Row(more, compared.call, against(times["theirs"], times["all of ours"]))
        shown.add(compared.sender)


def _runs(compared: Compared) -> dict[str, Run]:
    from tests.support.peers import CASE, NOW, PEERS, Request  # noqa: PLC0415 - the same.

    case, peer = CASE[compared.sender], PEERS[compared.sender]()
    accepts = getattr(peer, "calls", {}).get(compared.call, peer.accepts)
    request = case.make(NOW, note=NOTE, **({"object": "event"} if case.name == "stripe" else {}))
    sent = [(key.lower().encode(), value.encode()) for key, value in request.headers.items()]
    listed = [*COMMON, *sent]

    def theirs(body: bytes = request.body) -> object:
        # As a program under Starlette does it, after the documentation of each package.
        headers: Any = Headers(raw=listed)
        return accepts(new_tuple(Request, (headers, body, request.url)))

    assert theirs()
    assert not theirs(request.body.replace(b"xx", b"yy", 1))

    event = partial(case.receiver(NOW).verify, listed, request.body, request.url)
    scheme, parse = case.sender.scheme(case.secrets), case.sender.parse
    signature = partial(scheme.authenticate, listed, request.body, NOW, request.url)
    parts: dict[str, Run] = {
        SIGNATURE: signature,
        JSON: lambda: parse(request.body, signature()),
        EVENT: event,
    }
    return {"ours": parts[compared.part], "theirs": theirs, "all of ours": event}
