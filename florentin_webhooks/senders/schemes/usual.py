"""The quick check of the usual request: each header once, as bytes, with one signature.

It accepts and refuses what the plain check does, which has the rules and the reasons, and leaves
every other request to that. It is one function, and compares a header as a whole with the one that
a key makes, so it takes half of the time: 2.4 us (GitHub) to 3.2 (Svix) where an HMAC of 0.3 KB,
one look-up of a header and one comparison take 1.3. Of the rest of Svix's, 0.5 are the datetime,
and 0.2 each the metadata, the id, and the start of what is signed.
"""

from __future__ import annotations

from binascii import b2a_base64, hexlify
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from florentin_webhooks.errors import InvalidSignature
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.senders.base import Metadata
from florentin_webhooks.senders.schemes.encodings import Encoding
from florentin_webhooks.senders.schemes.format import MAX_DIGITS, MAX_ID
from florentin_webhooks.senders.schemes.keys import HMACKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cryptography.hazmat.primitives import hmac

    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.schemes.format import SignatureFormat
    from florentin_webhooks.senders.schemes.keys import Key
    from florentin_webhooks.senders.schemes.template import Template

__all__ = ["Authenticate", "Expected", "compile_check", "find_fault"]

_LIST: Any = list  # Any: type checkers narrow an unknown value to a list of unknown ones.
_UNUSUAL = (AttributeError, LookupError, OSError, OverflowError, TypeError, ValueError)
"""What a missing header raises, and a value of another type or spelling."""
_read_time = datetime.fromtimestamp
_Match = Callable[[bytes, "bytes | None", bytes], "str | None"]


class Authenticate(Protocol):
    """The function of a :class:`~florentin_webhooks.senders.base.SignatureScheme`."""

    def __call__(
        self, headers: Headers, body: bytes, received_at: datetime, url: str | None = None, /
    ) -> Metadata:
        """Return the metadata of a request whose signature is valid."""
        ...


class Expected(NamedTuple):
    """A *key* by the *name* of its secret, and how its signatures begin.

    *length* is their number of characters with the *prefix*, 0 where it varies.
    """

    name: str
    key: Key
    prefix: str
    length: int


def compile_check(  # noqa: C901 - see the module.
    form: SignatureFormat,
    template: Template,
    keys: Sequence[Expected],
    per_second: int,
    decide: Authenticate,
) -> Authenticate:
    """Return the check of *form*, with everything done that does not depend on a request.

    *decide* is the plain check.
    """
    if template.after:
        return decide
    signature_name, time_name, id_name, event_name = (each.encode() for each in form.lookups)
    mark, separator, has_time = form.time_prefix.encode(), form.separator.encode(), form.has_time
    join = template.before and template.before.join
    skipped, write = len(mark), hexlify if form.encoding is Encoding.HEX else _write_base64
    secrets, match, refuse = (
        _pick_secrets(keys),
        _compile_match(form, keys),
        _compile_refusal(form, keys),
    )
    names: frozenset[bytes] = frozenset()  # As last checked: a sender repeats them.

    # Any: values are bytes here, or the errors below say that they are not.
    def check(  # noqa: C901, PLR0912 - each part as a function would take 0.2 us more.
        headers: Any, body: bytes, received_at: datetime, url: Any = None, /
    ) -> Metadata:
        nonlocal names
        nothing: Any = None
        matched = sent_id = digits = number = event = time = nothing
        try:
            if type(headers) is _LIST:
                found = dict(headers)
                if len(found) != len(headers) or not names.issuperset(found):
                    names = _check_names(found, len(headers))
            else:
                found = headers.unique or headers  # Those of WSGI are bytes by name, too.
            value = found[signature_name]
            if has_time:
                if mark:
                    stamp, value = value.split(separator, 1)
                    digits = stamp[skipped:] if stamp[:skipped] == mark else b""
                else:
                    digits = found[time_name]
                if not digits.isdigit() or len(digits) > MAX_DIGITS:
                    raise ValueError
                time = _read_time(int(digits) if per_second == 1 else int(digits) / per_second, UTC)
            if id_name:
                sent_id = found[id_name]
                number = sent_id.decode("ascii")
                # As _is_visible in half of the time. A server joins two ids by a comma.
                is_visible = number.isprintable() and " " not in number and "," not in number
                if not (is_visible and 0 < len(number) <= MAX_ID):
                    raise ValueError
            if event_name:
                event = found[event_name].decode("latin-1").strip(" \t")
            start = join and join(sent_id, digits, url)
            for name, prefix, copy in secrets:
                context = copy()
                if start:
                    context.update(start)
                context.update(body)
                if compare_digest(value, prefix + write(context.finalize())):
                    matched = name
            if match and matched is None:
                matched = match(value, start, body)
            if matched is not None:
                return new_tuple(Metadata, (matched, received_at, number, event, time))
            refuse(value)
        except _UNUSUAL:
            pass
        return decide(headers, body, received_at, url)

    return check


def _check_names(found: Iterable[bytes], number: int) -> frozenset[bytes]:
    """Return the names *found*; raises ValueError unless they are *number*, in lower case.

    A name in another case than ASGI's may repeat one that has it.
    """
    names = frozenset(found)
    if len(names) != number or not b"".join(names).islower():
        raise ValueError
    return names


def find_fault(
    decode: Callable[[str], bytes], keys: Sequence[Expected], items: Sequence[str]
) -> str:
    """Return why none of *items* matches: each is malformed, or one is of other bytes."""
    for _, _, prefix, length in keys:
        for item in items:
            if item.startswith(prefix) and (not length or len(item) == length):
                with suppress(ValueError):
                    decode(item[len(prefix) :])
                    return "mismatch"
    return "malformed"


def _compile_refusal(form: SignatureFormat, keys: Sequence[Expected]) -> Callable[[bytes], None]:
    """Return what refuses a signature that matches no key, so that its body is hashed once.

    It leaves to the plain check what that reads otherwise: several, white space, upper case.
    """
    separator, mark = form.separator.encode(), form.time_prefix.encode()
    is_base64 = form.encoding is Encoding.BASE64

    def refuse(text: bytes) -> None:
        is_single = not (separator and separator in text) and not (mark and text.startswith(mark))
        is_usual = text == text.strip(b" \t") and (is_base64 or text == text.lower())
        if is_single and is_usual:
            raise InvalidSignature(find_fault(form.decode, keys, [text.decode("latin-1")]))

    return refuse


def _write_base64(digest: bytes) -> bytes:
    return b2a_base64(digest, newline=False)  # A partial takes twice the time.


def _pick_secrets(
    keys: Sequence[Expected],
) -> list[tuple[str, bytes, Callable[[], hmac.HMAC]]]:
    """Return name, prefix and keyed context of each secret of an HMAC among *keys*."""
    return [
        (each.name, each.prefix.encode(), each.key.copy)
        for each in keys
        if isinstance(each.key, HMACKey)
    ]


def _compile_match(form: SignatureFormat, keys: Sequence[Expected]) -> _Match | None:
    """Return what finds the public key of a signature, None without one among *keys*.

    It raises ValueError where the plain check must decide.
    """
    separator, decode = form.separator.encode(), form.decode
    expected = [
        (each.name, each.key, each.prefix.encode(), each.length, len(each.prefix))
        for each in keys
        if not isinstance(each.key, HMACKey)
    ]

    def match(text: bytes, start: bytes | None, body: bytes) -> str | None:
        if separator and separator in text:
            raise ValueError
        matched = None
        for name, key, prefix, length, skipped in expected:
            is_ours = text.startswith(prefix) and (not length or len(text) == length)
            if is_ours and key.verify((start or b"", body), decode(text[skipped:])):
                matched = name
        return matched

    return match if expected else None
