"""How a sender writes its signature into headers, as values, and how that is read.

One reader serves all: a header holds one item, or several between separators, and each item
begins with a prefix that says what it is. ``t=1,v1=ab`` and ``v1,aB= v1a,cD=`` are read alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.errors import InvalidSignature
from florentin_webhooks.protocol.headers import HeaderMap, Headers
from florentin_webhooks.senders.schemes.encodings import Encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_ID", "SignatureClaim", "SignatureFormat", "read_claim"]

MAX_HEADER = 4096
"""The longest signature header: 46 base64 HMACs, or 20 RSA signatures of 2048 bits in hex."""
MAX_ITEMS = 20
"""The most signatures in one header, each of which costs a check with each key."""
MAX_ID = 200
"""The longest delivery id that is accepted."""

_VISIBLE = re.compile(rf"[!-~]{{1,{MAX_ID}}}")
_SECONDS = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFormat:
    """The headers of a sender, and the spelling of what they hold.

    *prefix* begins each signature, *separator* is between several in one header (empty: there is
    one). *time_prefix* begins the signed time inside the signature header, where it has no header
    of its own. *event_header* and *id_header* are read as they are; they are evidence only where
    the template covers them.
    """

    signature_header: str
    encoding: Encoding = Encoding.HEX
    prefix: str = ""
    separator: str = ""
    id_header: str | None = None
    timestamp_header: str | None = None
    time_prefix: str = ""
    event_header: str | None = None
    lookups: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The names of signature, time, id and event, in lower case; empty where there is none."""

    def __post_init__(self) -> None:
        names = self.signature_header, self.timestamp_header, self.id_header, self.event_header
        object.__setattr__(self, "lookups", tuple((name or "").lower() for name in names))


class SignatureClaim(NamedTuple):
    """What a request claims to be signed with, unchecked: *items* are signatures with prefix."""

    items: tuple[str, ...]
    id: str | None = None
    timestamp: str | None = None
    event: str | None = None


def read_claim(form: SignatureFormat, headers: Headers) -> SignatureClaim:
    """Return the claim of a request; raises :class:`InvalidSignature`."""
    headers = headers if isinstance(headers, HeaderMap) else HeaderMap(headers)
    signatures, times, ids, events = headers.get_each(*form.lookups)
    value = signatures[0] if len(signatures) == 1 else _one(signatures)
    if len(value) > MAX_HEADER:
        raise InvalidSignature("malformed")
    items = value.split(form.separator, MAX_ITEMS) if form.separator else [value]
    if len(items) > MAX_ITEMS:
        raise InvalidSignature("malformed")
    return SignatureClaim(
        tuple(items),
        ids[0] if len(ids) == 1 and _VISIBLE.fullmatch(ids[0]) else None,
        _timestamp(form, times, items),
        # Different values are joined (RFC 9110, 5.3).
        ", ".join(dict.fromkeys(events)) if events else None,
    )


def _one(values: Sequence[str]) -> str:
    if len(values) != 1:
        raise InvalidSignature("repeated" if values else "missing")
    return values[0]


def _timestamp(form: SignatureFormat, times: Sequence[str], items: Sequence[str]) -> str | None:
    if form.time_prefix:
        prefix = form.time_prefix
        times = [item[len(prefix) :] for item in items if item.startswith(prefix)]
    elif form.timestamp_header is None:
        return None
    value = _one(times)
    if not _SECONDS.fullmatch(value):
        raise InvalidSignature("malformed")
    return value
