"""The cases of ``tests/vectors`` as requests.

The statuses in ``attack_cases.json`` are older than the outcome table; where the two differ, the
table of outcomes counts (``adapted`` below, as ``knowledge/attacks.md`` does).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[1] / "vectors"
Pairs = tuple[tuple[bytes, bytes], ...]


def _load(name: str) -> dict[str, Any]:  # Any: JSON.
    loaded: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return loaded


_FILE = _load("attack_cases.json")
_META = _FILE["meta"]
SECRET: str = _META["secret_utf8"]
T0 = datetime.fromisoformat(_META["clock_T0"]).astimezone(UTC)
CANONICAL = b64decode(_META["canonical_body_b64"])
DELIVERY_ID = "3f1c9a52-0d3c-4a55-9b6e-6f3d1c0a7e11"


class Request(NamedTuple):
    """One HTTP request; *raw* is for requests whose exact bytes matter."""

    headers: Pairs
    body: bytes
    method: str = "POST"
    raw: bytes | None = None

    def with_headers(self, *more: tuple[str, str]) -> Request:
        """Return the request with these headers in place of those of the same name."""
        given = _latin(more)
        names = {name.lower() for name, _ in given}
        kept = tuple(pair for pair in self.headers if pair[0].lower() not in names)
        return self._replace(headers=kept + given)

    def without(self, name: str) -> Request:
        kept = tuple(p for p in self.headers if p[0].lower() != name.lower().encode())
        return self._replace(headers=kept)


@dataclass(frozen=True)
class Attack:
    """One request of a case, the one before it, and its outcome."""

    case: str
    name: str
    request: Request
    outcome: str
    now: datetime = T0
    before: Request | None = None


def cases(name: str) -> list[dict[str, Any]]:  # Any: JSON.
    listed: list[dict[str, Any]] = _load(name)["cases"]
    return listed


def case_ids(name: str) -> list[str]:
    return [case["id"] for case in cases(name)]


def sign(body: bytes, secret: str = SECRET) -> str:
    """Return the valid signature header, by the standard library alone."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def delivery(
    body: bytes = CANONICAL,
    *,
    event: str = "invoice.created",
    signature: str | None = None,
    delivery_id: str = DELIVERY_ID,
) -> Request:
    """Return a delivery of *body*, validly signed unless another *signature* is given."""
    headers = (
        ("Content-Type", "application/json"),
        ("X-Florentin-Event", event),
        ("X-Florentin-Timestamp", "2026-06-06T12:00:00.000Z"),
        ("X-Florentin-Delivery-Id", delivery_id),
        ("X-Florentin-Signature", sign(body) if signature is None else signature),
    )
    return Request(_latin(headers), body)


def envelope(data: object, event: str = "user.login", timestamp: str | None = None) -> bytes:
    stamp = _META["clock_T0"] if timestamp is None else timestamp
    return json.dumps({"event": event, "timestamp": stamp, "data": data}).encode()


def attacks() -> Iterator[Attack]:
    """Yield every case that has a request, once for each input that it describes."""
    for case in _FILE["cases"]:
        if "request" in case:
            yield from _expanded(case)


def _expanded(case: dict[str, Any]) -> Iterator[Attack]:
    name = case["id"]
    attack = Attack(name, name, _request(case["request"]), _outcome(case), _now(case))
    if name == "RPL-02":
        attack = replace(attack, before=delivery())
    variants = _VARIANTS.get(name, {"": attack.request})
    for variant, request in variants.items():
        yield replace(attack, name=f"{name} {variant}".strip(), request=request)


def _request(given: dict[str, Any]) -> Request:
    if "raw_b64" in given:
        raw = b64decode(given["raw_b64"])
        head, _, _ = raw.partition(b"\r\n\r\n")
        fields = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:]]
        return Request(tuple((name, value) for name, value in fields), CANONICAL, raw=raw)
    headers = _latin(tuple((name, value) for name, value in given["headers"]))
    return Request(headers, b64decode(given.get("body_b64", "")), given["method"])


def _latin(pairs: tuple[tuple[str, str], ...]) -> Pairs:
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs)


def _now(case: dict[str, Any]) -> datetime:
    clock = {
        "clock=T0+max_age+0.001": timedelta(minutes=15, milliseconds=1),
        "clock=T0-future_skew": -timedelta(minutes=5),
        "clock=T0-future_skew-0.001": -timedelta(minutes=5, milliseconds=1),
        "clock=T0+259200": timedelta(days=3),
    }
    return T0 + clock[case["pre"]] if "pre" in case else T0


def _outcome(case: dict[str, Any]) -> str:
    adapted = {
        "TIME-02": "stale",
        "TIME-04": "stale",
        "TIME-14": "stale",
        "TIME-12.3": "stale",  # A moment that exists, in the year 9999; the others are none.
        "RPL-02": "duplicate",
        "JSON-01": "malformed",
        "JSON-15": "processed",
    }
    by_status = {
        200: "processed",
        400: "malformed",
        401: "invalid-signature",
        405: "method-not-allowed",
        422: "invalid-event",
    }
    return adapted.get(case["id"]) or by_status[case["expect"]["status"][0]]


def _invoice(extra: str) -> bytes:
    return CANONICAL[:-2] + b"," + extra.encode() + b"}}"


_TIMESTAMP = "X-Florentin-Timestamp"
_VARIANTS = {
    "SIG-16": {
        "comma": delivery(signature=f"sha256={'0' * 64},{sign(CANONICAL)}"),
        "space": delivery(signature=f"sha256={'0' * 64} {sign(CANONICAL)}"),
    },
    "SIG-27": {"": delivery(b"[" * 100_000, signature="sha256=" + "0" * 64)},
    "SIG-32": {
        "64 KiB": delivery(signature="a" * 65_536),
        "1 MiB": delivery(signature="sha256=" + "a" * 1_048_576),
    },
    "TIME-07": {
        "absent": delivery().without(_TIMESTAMP),
        **{
            name: delivery().with_headers((_TIMESTAMP, value))
            for name, value in {
                "nan": "nan",
                "inf": "inf",
                "long": "9" * 5_000,
                "superscript": "\xb2",
                "negative": "-1",
            }.items()
        },
    },
    "EVT-06": {
        "no id": delivery(CANONICAL.replace(b'"id":"inv_1",', b"")),
        "amount null": delivery(CANONICAL.replace(b"1999", b"null")),
        "data null": delivery(envelope(None, "invoice.created")),
        "data a list": delivery(envelope([], "invoice.created")),
    },
    "JSON-04": {
        str(depth): delivery(CANONICAL[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}")
        for depth in (201, 1_000, 100_000)
    },
    "JSON-15": {
        "keys": delivery(_invoice('"wide":{' + ",".join(f'"{n}":0' for n in range(100_000)) + "}")),
        "string": delivery(_invoice('"wide":"' + "x" * 1_000_000 + '"')),
        "elements": delivery(_invoice('"wide":[' + ",".join("0" * 300_000) + "]")),
    },
}
