"""The cost of a delivery of each sender, compared with the sender's own package.

Each package is called as its documentation does (``sender_packages``), and compared

* with the part of ours that does the same: the signature, the signature and the JSON, or an event;
* with ``Receiver.verify``, our call, which also reads the JSON strictly, judges the age, finds the
  identity and returns a typed event;
* with the floor: one HMAC of the body, one look-up in a dict of the headers and one comparison, and
  where the package returns JSON, the fastest parser without a rule. What the floor does not reach,
  no check in Python can.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from jiter import from_json

from benchmarks.measure import Row, against, paired

if TYPE_CHECKING:
    from benchmarks.sender_packages import Call

__all__ = ["rows"]

COMMON = [
    (b"host", b"shop.example"),
    (b"user-agent", b"Sender/1.0"),
    (b"accept", b"*/*"),
    (b"content-type", b"application/json"),
    (b"content-length", b"330"),
]
"""Headers that every request has."""
SIZES: dict[str, dict[str, object]] = {
    "0.3 KB": {"note": "x" * 200},  # As those of other rows.
    "20 KB": {
        "lines": [
            {"id": f"li_{n:012}", "description": "Seats of the plan", "quantity": n, "due": n * 99}
            for n in range(230)
        ]
    },
}

Run = Callable[[], object]
Pairs = list[tuple[bytes, bytes]]
Delivery = tuple[Pairs, bytes, str]
"""Headers as an ASGI server passes them, body and URL."""

SIGNATURE, JSON, EVENT = "the signature", "signature and JSON", "signature and event"
ASYMMETRIC = {"sendgrid"}
FORMS = {"twilio"}
"""Senders whose bodies have no lists."""
WHY = "see the row of the floor"


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure ours, the package's and the floor in the same rounds, in CPU time."""
    if quick:
        return  # The packages are installed for `make bench` only.
    from benchmarks.sender_packages import PACKAGES  # noqa: PLC0415 - the same.

    for package in PACKAGES:
        aim = ">= 1" if package.sender in ASYMMETRIC else ">= 3"
        for size in SIZES if package.is_documented and package.sender not in FORMS else ["0.3 KB"]:
            times = paired(_runs(package, SIZES[size]), 41, time.thread_time)
            start, end = f"{package.sender}, {size}:", "times faster"
            theirs, call = times["theirs"], package.call
            same = f"{start} {package.part}, {end}"
            yield Row(same, call, against(theirs, times[package.part]), aim, WHY)
            if package.is_documented and package.part != EVENT:
                yield Row(f"{start} Receiver.verify, {end}", call, against(theirs, times[EVENT]))
            if "floor" in times:
                yield Row(f"{start} the floor, {end}", call, against(theirs, times["floor"]))


def _runs(package: Call, more: dict[str, object]) -> dict[str, Run]:
    from starlette.datastructures import Headers  # noqa: PLC0415 - the same.

    from tests.support.peers import CASE, NOW  # noqa: PLC0415 - the same.

    case, verify = CASE[package.sender], package.make()
    fields = {"object": "event"} if case.name == "stripe" else {}
    request = case.make(NOW, **more, **fields)
    sent = [(key.lower().encode(), value.encode()) for key, value in request.headers.items()]
    delivery = [*COMMON, *sent], request.body, request.url
    authenticate, receive = case.sender.scheme(case.secrets).authenticate, case.receiver(NOW).verify
    sender: Any = case.sender
    # A package that returns JSON alone has no name and no time of an event.
    reads_event = package.sender == "github"

    # Each is called from one function, as in a program.
    def theirs(headers: Pairs, body: bytes, url: str) -> object:
        return verify(Headers(raw=headers), body, url)

    def signature(headers: Pairs, body: bytes, url: str) -> object:
        return authenticate(headers, body, NOW, url)

    def read(headers: Pairs, body: bytes, url: str) -> object:
        metadata = authenticate(headers, body, NOW, url)
        return sender.parse(body, metadata) if reads_event else sender.read_payload(body)

    def event(headers: Pairs, body: bytes, url: str) -> object:
        return receive(headers, body, url)

    _check(theirs, delivery)
    runs = {"theirs": theirs, SIGNATURE: signature, EVENT: event}
    if package.part == JSON:
        runs[JSON] = read
    if package.sender not in ASYMMETRIC and package.part != EVENT:
        runs["floor"] = _floor(case.header.lower().encode(), with_json=package.part == JSON)
    return {name: partial(run, *delivery) for name, run in runs.items()}


def _floor(name: bytes, *, with_json: bool) -> Callable[[Pairs, bytes, str], object]:
    copy = HMAC(b"a-secret-of-some-length", SHA256()).copy

    def floor(headers: Pairs, body: bytes, _url: str) -> object:
        context = copy()
        context.update(body)
        compare_digest(dict(headers)[name], context.finalize())
        return from_json(body) if with_json else None

    return floor


def _check(verify: Callable[[Pairs, bytes, str], object], delivery: Delivery) -> None:
    """Check that a package accepts what it shall accept, and nothing else."""
    headers, body, url = delivery
    assert verify(*delivery) is not False
    try:
        assert verify(headers, body.replace(b"e", b"E", 1), url) is False
    except AssertionError:
        raise
    except Exception:  # noqa: BLE001 - each package raises its own exception.
        return
