"""The cost of verifying a signature, compared with a bare HMAC and with peers."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from benchmarks.deliveries import SECRET, body_of
from benchmarks.measure import Row, against, paired
from florentin_webhooks.signatures import FlorentinSignature

__all__ = ["rows"]

KEY = SECRET.encode()
OTHERS = ("another-secret-that-is-not-it-01", "another-secret-that-is-not-it-02")
SMALL, LARGE = 300, 65_536

Run = Callable[[], object]


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure all of them in the same rounds, so that each can be compared with each."""
    small, large = body_of(SMALL), body_of(LARGE)
    runs = {
        "0.3 KB": _ours(FlorentinSignature(SECRET), small),
        "0.3 KB digest": _digest(small),
        "three": _ours(
            FlorentinSignature({"new": OTHERS[0], "old": OTHERS[1], "it": SECRET}), small
        ),
        "64 KB": _ours(FlorentinSignature(SECRET), large),
        "64 KB digest": _digest(large),
    }
    peers = {} if quick else _peers(small)
    times = paired(runs | peers, 5 if quick else 41)
    ours, digest = times["0.3 KB"], times["0.3 KB digest"]
    yield Row("verify 0.3 KB", "hmac.digest", against(ours, digest), "<= 1.5")
    yield Row(
        "verify 64 KB", "hmac.digest", against(times["64 KB"], times["64 KB digest"]), "<= 1.05"
    )
    yield Row(
        "verify 0.3 KB, the last of three secrets",
        "hmac.digest",
        against(times["three"], digest),
        "<= 3.5",
    )
    for name in peers:
        aim = ">= 20" if name == "stripe construct_event" else ">= 3"
        yield Row("verify 0.3 KB, times faster", name, against(times[name], ours), aim)


def _ours(scheme: FlorentinSignature, body: bytes) -> Run:
    headers = FlorentinSignature(SECRET).sign(
        body, event="invoice.created", delivery_id="d1", timestamp=datetime.now(UTC)
    )
    call = partial(scheme.verify, headers)
    _assert_verifies(call, body)
    return partial(call, body)


def _digest(body: bytes) -> Run:
    return partial(hmac.digest, KEY, body, "sha256")


def _peers(body: bytes) -> dict[str, Run]:
    """Return each peer's own call on the same bytes, signed by its own scheme."""
    import standardwebhooks  # noqa: PLC0415 - installed for `make bench` only.
    import stripe  # noqa: PLC0415 - the same.
    import svix  # noqa: PLC0415 - the same.

    now = str(int(time.time())).encode()
    encoded = base64.b64encode(KEY).decode()
    one, other = standardwebhooks.Webhook(encoded), svix.Webhook(encoded)
    event = body.replace(b"{", b'{"object":"event",', 1)  # Stripe's client requires it.
    signature = base64.b64encode(hmac.digest(KEY, b"msg_1.%s.%s" % (now, body), "sha256"))
    values = {"id": "msg_1", "timestamp": now.decode(), "signature": f"v1,{signature.decode()}"}
    standard = {f"webhook-{name}": value for name, value in values.items()}
    for_svix = {f"svix-{name}": value for name, value in values.items()}
    signed = hmac.digest(KEY, b"%s.%s" % (now, event), "sha256").hex()
    for_stripe = f"t={now.decode()},v1={signed}"
    calls: dict[str, tuple[Callable[[bytes], object], bytes]] = {
        "standardwebhooks verify": (lambda b: one.verify(b, standard, json_parse=False), body),
        "svix verify": (lambda b: other.verify(b, for_svix), body),
        "stripe construct_event": (
            lambda b: stripe.Webhook.construct_event(b, for_stripe, SECRET),
            event,
        ),
    }
    for call, good in calls.values():
        _assert_verifies(call, good)
    return {name: partial(call, good) for name, (call, good) in calls.items()}


def _assert_verifies(call: Callable[[bytes], object], good: bytes) -> None:
    call(good)
    try:
        call(good + b" ")
    except Exception:  # noqa: BLE001 - each peer raises its own exception.
        return
    message = "a forged body was accepted"
    raise AssertionError(message)
