"""The URL as the sender knows it, for schemes that sign it, behind a proxy that changes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.base import SignatureScheme, Signing
from florentin_webhooks.senders.schemes.arguments import require_optional_texts

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.base import Metadata

__all__ = ["PublicURL", "PublicURLScheme", "require_url", "with_public_url"]

_ABSOLUTE = re.compile(r"https?://[^\s/?#\\@]+(?:/[!-~]*)?")


@dataclass(frozen=True, slots=True)
class PublicURL:
    """A configured URL, or None for the one that was called."""

    text: str | None = None

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Return the URL that *text* spells; raises :class:`ConfigurationError`."""
        require_optional_texts(url=text)
        if text is not None and (not _ABSOLUTE.fullmatch(text) or "#" in text):
            raise ConfigurationError(
                "The url of a sender is not an absolute URL.",
                "Copy it from the sender's settings, such as https://shop.example/webhooks.",
            )
        return cls(text)

    def resolve(self, called: str | None) -> str | None:
        """Return the URL as the sender knows it, given the one that was *called*.

        A configured URL without a query takes that of the call.
        """
        if self.text is None or "?" in self.text:
            return self.text or called
        _, mark, query = (called or "").partition("?")
        return f"{self.text}{mark}{query}"


def require_url(url: str | None) -> str:
    """Return *url*; raises :class:`ConfigurationError` where it is missing."""
    if url is None:
        raise ConfigurationError(
            "The URL, which this sender signs, is missing.",
            "Add it as the sender knows it, with url= or --url.",
        )
    return url


class PublicURLScheme:
    """A scheme that is given the URL as the sender knows it."""

    __slots__ = ("_scheme", "_url")

    def __init__(self, scheme: SignatureScheme, url: PublicURL) -> None:
        self._scheme, self._url = scheme, url

    def authenticate(
        self, headers: Headers, body: bytes, received_at: datetime, url: str | None = None
    ) -> Metadata:
        """Return the metadata of a request whose signature is valid."""
        return self._scheme.authenticate(headers, body, received_at, self._url.resolve(url))

    def sign(
        self,
        body: bytes,
        *,
        event: str,
        delivery_id: str,
        timestamp: datetime,
        url: str | None = None,
    ) -> dict[str, str]:
        """Return the headers that the sender sends with *body*, signed with the first key."""
        return cast("Signing", self._scheme).sign(
            body,
            event=event,
            delivery_id=delivery_id,
            timestamp=timestamp,
            url=require_url(self._url.resolve(url)),
        )


def with_public_url(scheme: SignatureScheme, url: PublicURL) -> SignatureScheme:
    """Return *scheme*, given *url* where one is configured."""
    return scheme if url.text is None else PublicURLScheme(scheme, url)
