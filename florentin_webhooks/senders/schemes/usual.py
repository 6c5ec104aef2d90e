"""The quick check of the usual request: each header once, as bytes, as ASGI servers pass them.

It accepts and refuses what the plain check does, which has the rules and the reasons: in any doubt
it leaves a request to that. It takes seven tenths of the time.
"""

from __future__ import annotations

import re
from binascii import b2a_base64, unhexlify
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hmac import compare_digest
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from florentin_webhooks.errors import InvalidSignature
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.senders.base import Metadata
from florentin_webhooks.senders.schemes.encodings import Encoding
from florentin_webhooks.senders.schemes.format import MAX_DIGITS, MAX_HEADER, MAX_ID, MAX_ITEMS
from florentin_webhooks.senders.schemes.keys import HMACKey

if TYPE_CHECKING:
    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.schemes.format import SignatureFormat
    from florentin_webhooks.senders.schemes.keys import Key
    from florentin_webhooks.senders.schemes.template import Template

__all__ = ["Expected", "QuickCheck", "compile_check"]

_LIST: Any = list  # Any: type checkers narrow an unknown value to a list of unknown ones.
_is_visible = re.compile(rb"[!-~]{1,%d}" % MAX_ID).fullmatch
_read_time = datetime.fromtimestamp

QuickCheck = Callable[["Headers", bytes, datetime, "str | None"], "Metadata | None"]
"""Returns the metadata of a usual request, None where the plain check must decide.

Raises :class:`InvalidSignature`.
"""

# Any: values of headers are bytes here, or the errors below say that they are not.
_Values = tuple[Any, Any, Any]
_Claim = tuple[list[bytes], _Values, "str | None", "datetime | None"]
"""Signatures with prefix; id, time and URL; the event; the time as a value."""
_Read = Callable[[Any, "str | None"], "_Claim | None"]
_Match = Callable[[bytes, _Values, bytes], bool]
_UNUSUAL = (AttributeError, LookupError, OSError, OverflowError, TypeError, ValueError)
"""What a missing header raises, and a value of another type or spelling."""


class Expected(NamedTuple):
    """A *key* by the *name* of its secret, and how its signatures begin.

    *length* is their number of characters with the *prefix*, 0 where it varies.
    """

    name: str
    key: Key
    prefix: str
    length: int


def compile_check(
    form: SignatureFormat,
    template: Template,
    keys: Sequence[Expected],
    per_second: int,
    find_fault: Callable[[Sequence[str]], str],
) -> QuickCheck:
    """Return the check of *form*, with everything done that does not depend on a request."""
    read = _compile_read(form, per_second)
    expected = [
        (each.name, _compile_match(form, template, each), each.prefix.encode(), each.length)
        for each in keys
    ]

    def check(headers: Any, body: bytes, received_at: datetime, url: str | None) -> Metadata | None:
        found = matched = None
        try:
            if type(headers) is HeaderMap:
                found = headers.unique
            elif type(headers) is _LIST and len(by_name := dict(headers)) == len(headers):
                found = by_name  # A name in another case than ASGI's is not found below.
            if found is None or (claim := read(found, url)) is None:
                return None
            items, values, event, time = claim
            for name, match, prefix, length in expected:
                for item in items:
                    is_ours = (not length or len(item) == length) and item.startswith(prefix)
                    if is_ours and match(body, values, item):
                        matched = name
        except _UNUSUAL:
            return None
        if matched is None:
            raise InvalidSignature(find_fault([item.decode("latin-1") for item in items]))
        number = values[0] and values[0].decode()
        return new_tuple(Metadata, (matched, received_at, number, event, time))

    return check


def _compile_read(form: SignatureFormat, per_second: int) -> _Read:
    signature_name, time_name, id_name, event_name = (each.encode() for each in form.lookups)
    separator, has_time, mark = form.separator.encode(), form.has_time, form.time_prefix.encode()

    def read(found: Mapping[bytes, Any], url: str | None) -> _Claim | None:
        value, time, number, event, at = found[signature_name].strip(b" \t"), None, None, None, None
        items = value.split(separator, MAX_ITEMS) if separator else [value]
        if len(value) > MAX_HEADER or len(items) > MAX_ITEMS:
            return None
        if has_time:
            time = b"" if mark else found[time_name]
            for item in items if mark else ():
                if item.startswith(mark):
                    time = b"several" if time else item[len(mark) :]
            if len(time) > MAX_DIGITS or not time.isdigit():
                return None
            at = _read_time(int(time) if per_second == 1 else int(time) / per_second, UTC)
        if id_name and not _is_visible(number := found[id_name]):
            return None
        if event_name:
            event = found[event_name].decode("latin-1").strip(" \t")
        return items, (number, time, url and url.encode()), event, at

    return read


def _compile_match(form: SignatureFormat, template: Template, expected: Expected) -> _Match:
    """Return whether a signature with its prefix signs a body with these values."""
    start, key, decode = len(expected.prefix), expected.key, form.decode
    before, pick_before = template.before or (b"", _nothing)
    after, pick_after = template.after or (b"", _nothing)
    if not isinstance(key, HMACKey):
        return lambda body, values, text: key.verify(
            (before % pick_before(values), body, after % pick_after(values)), decode(text[start:])
        )
    copy, is_base64 = key.copy, form.encoding is Encoding.BASE64

    def match(body: bytes, values: _Values, text: bytes) -> bool:
        context = copy()
        if before:
            context.update(before % pick_before(values))
        context.update(body)
        if after:
            context.update(after % pick_after(values))
        if is_base64:
            # There is one spelling for one value, so the spellings may be compared.
            return compare_digest(b2a_base64(context.finalize(), newline=False), text[start:])
        return compare_digest(context.finalize(), unhexlify(text[start:]))

    return match


_nothing = itemgetter(slice(0))
