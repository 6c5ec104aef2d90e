"""The settings of a client: checked at its construction, without the token in any repr."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NoReturn
from urllib.parse import urlsplit

from florentin_webhooks.errors import ConfigurationError

__all__ = ["LONGEST_REPLY", "Settings"]

LONGEST_REPLY = 8_388_608
"""The most bytes of a reply that are read."""

_LONGEST_TIME = 600.0
_MOST_RETRIES = 10
_TOKEN = re.compile(r"[!-{}~]+\|[!-~]+")
_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the API is, the token, and the limits of each call.

    *timeout* is the number of seconds that one answer may take, *total* that of a call with all its
    retries. Raises :class:`ConfigurationError`.
    """

    base_url: str
    token: str = field(repr=False)
    timeout: float = 10.0
    total: float = 30.0
    retries: int = 2
    allow_http: bool = False

    def __post_init__(self) -> None:
        _check_text("base_url", self.base_url)
        _check_text("token", self.token)
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        _check_url(self.base_url, allow_http=self.allow_http)
        _check_token(self.token)
        _check_seconds("timeout", self.timeout)
        _check_seconds("total", self.total)
        if self.retries not in range(_MOST_RETRIES + 1):
            raise ConfigurationError(
                f"retries is {self.retries!r}.", f"Set it to 0 to {_MOST_RETRIES}."
            )

    @property
    def headers(self) -> dict[str, str]:
        """The headers of each request.

        Without compression, so that a small reply cannot become a large one.
        """
        return {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "florentin-webhooks",
        }

    def hide(self, text: str) -> str:
        """Return *text* without the token and without its secret."""
        return text.replace(self.token, _HIDDEN).replace(self.token.partition("|")[2], _HIDDEN)


def _check_text(name: str, value: object) -> None:
    """Raise :class:`ConfigurationError` for None, such as from an environment variable."""
    if not isinstance(value, str):
        raise ConfigurationError(
            f"{name} is of type {type(value).__name__}, not str.",
            "Check that the environment variable is set, if it comes from one.",
        )


def _check_url(url: str, *, allow_http: bool) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        _refuse_url(url)
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            "base_url holds a user or a password.", "Pass the token as second argument."
        )
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        _refuse_url(url)
    if parts.scheme == "http" and not allow_http and not _is_loopback(host):
        raise ConfigurationError(
            f"base_url is {url}, where the token would travel unencrypted.",
            "Use https://, or pass allow_http=True in a network of your own.",
        )


def _refuse_url(url: str) -> NoReturn:
    raise ConfigurationError(
        f"base_url is {url!r}, which is not the URL of an API.",
        "Write it as https://shop.florentin.ai/api/v1.",
    )


def _check_token(token: str) -> None:
    if not token.strip():
        raise ConfigurationError("The token is empty.", "Pass it as <id>|<secret>.")
    if not _TOKEN.fullmatch(token):
        raise ConfigurationError(
            "The token does not have the form <id>|<secret>.",
            "Copy it again, without quotes and white space.",
        )


def _check_seconds(name: str, value: object) -> None:
    if not isinstance(value, int | float) or not 0 < value <= _LONGEST_TIME:
        raise ConfigurationError(
            f"{name} is {value!r}.",
            f"Set it to a number of seconds above 0 and at most {_LONGEST_TIME:.0f}.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
