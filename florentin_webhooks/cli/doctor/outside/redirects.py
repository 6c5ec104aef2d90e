"""Explain a redirect, which no sender follows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit, urlunsplit

from florentin_webhooks.cli.doctor.check import fail

if TYPE_CHECKING:
    from florentin_webhooks.cli.doctor.check import Check

__all__ = ["explain_redirect"]

_LOGIN = re.compile(r"log-?in|sign-?in|sso|oauth|saml|auth(?:orize|enticate)?\b", re.IGNORECASE)


def explain_redirect(url: str, location: str) -> Check:
    """Return the check of an answer that leads from *url* to *location*."""
    old, new = urlsplit(url), urlsplit(urljoin(url, location))
    exact = f"Give the sender exactly {urlunsplit(new._replace(fragment=''))}"
    if _LOGIN.search(new.path) or _LOGIN.search(new.netloc.partition(".")[0]):
        message = "The receiver is behind a login, to which deliveries are redirected."
        return fail("login", message, "Exempt its path from the login, as from CSRF checks.")
    if old.path != new.path and old.path.rstrip("/") == new.path.rstrip("/"):
        message = "The server redirects to the same path with another final slash."
        return fail("redirect-slash", message, f"{exact}, or serve both forms.")
    if (old.scheme, new.scheme) == ("http", "https") and old.hostname == new.hostname:
        return fail("redirect-https", "The server redirects to https.", f"{exact}.")
    if old.hostname != new.hostname:
        message = f"The server redirects to another host, {new.hostname}."
        return fail("redirect-host", message, f"{exact}.")
    return fail("redirect", "The server redirects to another path.", f"{exact}.")
