"""How a sender writes its signature into headers, as values, and how that is read.

One reader serves all: a header holds one item, or several between separators, and each item
begins with a prefix that says what it is. ``t=1,v1=ab`` and ``v1,aB= v1a,cD=`` are read alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from florentin_webhooks.errors import InvalidSignature
from florentin_webhooks.protocol.headers import HeaderMap, Headers
from florentin_webhooks.senders.schemes.encodings import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "MAX_DIGITS",
    "MAX_HEADER",
    "MAX_ID",
    "MAX_ITEMS",
    "SignatureClaim",
    "SignatureFormat",
    "compile_reader",
]

MAX_HEADER = 4096
"""The longest signature header: 46 base64 HMACs, or 20 RSA signatures of 2048 bits in hex."""
MAX_ITEMS = 20
"""The most signatures in one header, each of which costs a check with each key."""
MAX_ID = 200
"""The longest delivery id that is accepted."""
MAX_DIGITS = 15
"""The longest time that is accepted."""

_is_visible = re.compile(rf"[!-~]{{1,{MAX_ID}}}").fullmatch


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
    decode: Callable[[str | bytes], bytes] = field(init=False, repr=False, compare=False)
    """Returns the bytes of a signature without its prefix; raises ValueError."""

    def __post_init__(self) -> None:
        names = self.signature_header, self.timestamp_header, self.id_header, self.event_header
        object.__setattr__(self, "lookups", tuple((name or "").lower() for name in names))
        object.__setattr__(self, "decode", self.encoding.decoder)

    @property
    def has_time(self) -> bool:
        """Whether a request has a time, in a header of its own or beside the signature."""
        return bool(self.timestamp_header or self.time_prefix)


SignatureClaim = tuple["Sequence[str]", "str | None", "str | None", "str | None"]
"""What a request claims, unchecked: signatures with prefix, id, timestamp and event."""


def compile_reader(form: SignatureFormat) -> Callable[[Headers], SignatureClaim]:
    """Return the function that reads the claim of a request, and raises InvalidSignature.

    Made once: what a delivery costs is the look-up of the headers that the format has.
    """
    names = tuple(name.encode() for name in form.lookups if name)
    time_at, id_at, event_at = (names.index(n.encode()) if n else 0 for n in form.lookups[1:])
    separator, time_prefix, has_time = form.separator, form.time_prefix, form.has_time

    def read(headers: Headers) -> SignatureClaim:
        headers = headers if isinstance(headers, HeaderMap) else HeaderMap(headers)
        found = headers.find(names)
        if found is None:
            found = [_combine(name, headers.get_all(name), form) for name in form.lookups if name]
        if (value := found[0]) is None:
            raise InvalidSignature("missing")
        items = value.split(separator, MAX_ITEMS) if separator else (value,)
        if len(value) > MAX_HEADER or len(items) > MAX_ITEMS:
            raise InvalidSignature("malformed")
        time = found[time_at] if time_at else None
        if has_time:
            time = _check_time(_time_in(items, time_prefix) if time_prefix else time)
        number = found[id_at] if id_at else None
        if number is not None and not _is_visible(number):
            number = None
        return items, number, time, found[event_at] if event_at else None

    return read


def _combine(name: str, values: Sequence[str], form: SignatureFormat) -> str | None:
    """Return the value of the header *name*, which may come several times."""
    signature, time, number, _ = form.lookups
    if len(values) > 1 and name in {signature, time}:
        raise InvalidSignature("repeated")
    if name == number:
        return values[0] if len(values) == 1 else None
    # Different values are joined (RFC 9110, 5.3).
    return ", ".join(dict.fromkeys(values)) if values else None


def _time_in(items: Sequence[str], prefix: str) -> str | None:
    """Return the time among *items*; raises InvalidSignature for several."""
    times = [item[len(prefix) :] for item in items if item.startswith(prefix)]
    if len(times) > 1:
        raise InvalidSignature("repeated")
    return times[0] if times else None


def _check_time(value: str | None) -> str:
    if value is None:
        raise InvalidSignature("missing")
    if not (len(value) <= MAX_DIGITS and value.isascii() and value.isdigit()):
        raise InvalidSignature("malformed")
    return value
