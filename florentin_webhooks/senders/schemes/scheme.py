"""The scheme of a sender that signs a template: verify and sign, with any kind of key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.errors import InvalidSignature, MalformedDelivery
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.senders.base import Metadata
from florentin_webhooks.senders.schemes.format import SignatureFormat, compile_reader
from florentin_webhooks.senders.schemes.public_url import require_url
from florentin_webhooks.senders.schemes.template import SignedValues
from florentin_webhooks.senders.schemes.usual import (
    Authenticate,
    Expected,
    compile_check,
    find_fault,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.schemes.keys import Key
    from florentin_webhooks.senders.schemes.template import Template

__all__ = ["NamedKey", "TemplateScheme"]


class NamedKey(NamedTuple):
    """A key with the name of its secret, and the prefix of signatures that it makes."""

    name: str
    key: Key
    prefix: str = ""


class TemplateScheme:
    """Verify and sign *template* with any of *keys*, written as *form* describes.

    Timestamps count *per_second* units. The first key signs.
    """

    __slots__ = (
        "_expected",
        "_form",
        "_keys",
        "_per_second",
        "_read",
        "_render",
        "_signs_url",
        "_template",
        "authenticate",
    )

    authenticate: Authenticate
    """Returns the metadata of a request whose signature is valid, as ``check`` does.

    The quick check, which leaves unusual requests to that.
    """

    def __init__(
        self,
        form: SignatureFormat,
        template: Template,
        keys: Sequence[NamedKey],
        *,
        per_second: int = 1,
    ) -> None:
        # All that does not depend on a request is done here, once.
        self._form, self._keys, self._per_second = form, tuple(keys), per_second
        self._signs_url = "url" in template.names
        self._read, self._render = compile_reader(form), template.render
        self._expected = [
            Expected(each.name, each.key, each.prefix, _text_length(form, each)) for each in keys
        ]
        self._template = template
        self.authenticate = self.quick_check(self.check)

    def __repr__(self) -> str:
        return f"TemplateScheme({', '.join(each.name for each in self._keys)})"

    def quick_check(self, decide: Authenticate) -> Authenticate:
        """Return the quick check, which asks *decide* where a request is unusual."""
        return compile_check(self._form, self._template, self._expected, self._per_second, decide)

    def check(
        self, headers: Headers, body: bytes, received_at: datetime, url: str | None = None, /
    ) -> Metadata:
        """Return the metadata of a request whose signature is valid.

        Raises :class:`InvalidSignature`, and :class:`MalformedDelivery` where the signed time is
        not a time. Each key is tried on each signature of its kind, so that the time taken does not
        show which one matched.
        """
        items, number, time, event = self._read(headers)
        signed = self._render(body, SignedValues(number, time, url))
        decode, matched = self._form.decode, None
        for name, key, prefix, length in self._expected:
            for item in items:
                if item.startswith(prefix) and (not length or len(item) == length):
                    try:
                        signature = decode(item[len(prefix) :])
                    except ValueError:
                        continue
                    if key.verify(signed, signature):
                        matched = name
        if matched is None:
            raise InvalidSignature(find_fault(decode, self._expected, items))
        timestamp = None if time is None else self._time(time)
        return new_tuple(Metadata, (matched, received_at, number, event, timestamp))

    def sign(
        self,
        body: bytes,
        *,
        event: str,
        delivery_id: str,
        timestamp: datetime,
        url: str | None = None,
    ) -> dict[str, str]:
        """Return the headers that the sender sends with *body*, signed with the first key.

        Raises :class:`ConfigurationError` without the URL, where that is signed.
        """
        if self._signs_url:
            require_url(url)
        form, stamp = self._form, str(int(timestamp.timestamp() * self._per_second))
        values, first = SignedValues(delivery_id, stamp, url), self._keys[0]
        signed = self._render(body, values)
        signature = first.prefix + form.encoding.encode(first.key.sign(signed))
        if form.time_prefix:
            signature = f"{form.time_prefix}{stamp}{form.separator}{signature}"
        named = {
            form.id_header: delivery_id,
            form.timestamp_header: stamp,
            form.event_header: event,
            form.signature_header: signature,
        }
        return {name: value for name, value in named.items() if name}

    def _time(self, digits: str) -> datetime:
        try:
            if self._per_second == 1:
                return datetime.fromtimestamp(int(digits), UTC)
            return datetime.fromtimestamp(int(digits) / self._per_second, UTC)
        except (ValueError, OverflowError, OSError):
            raise MalformedDelivery("the signed time is not a time") from None


def _text_length(form: SignatureFormat, key: NamedKey) -> int:
    """Return the number of characters of a signature with its prefix, 0 where it varies."""
    size = key.key.size
    return len(key.prefix) + form.encoding.length(size) if size else 0
