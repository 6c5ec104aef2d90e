"""Pages of an inspector without a server."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from florentin_webhooks import Receiver
from florentin_webhooks.inspector.access import Access
from florentin_webhooks.inspector.forgery import COOKIE, FIELD
from florentin_webhooks.inspector.request import PageRequest
from florentin_webhooks.inspector.response import PageResponse
from florentin_webhooks.inspector.site import Site
from florentin_webhooks.inspector.sources import Sources
from florentin_webhooks.protocol.headers import HeaderMap

SECRET = "a-secret-of-the-inspector-tests"
TOKEN = "0123456789abcdef" * 2
LOCAL = {"host": "127.0.0.1:8000"}


def site_of(
    *receivers: Receiver[object], **options: Any
) -> Site:  # Any: those of Site, and headers.
    return Site(Sources(receivers), Access(None), **options)


def request(
    path: str,
    *,
    method: str = "GET",
    client: str | None = "127.0.0.1",
    body: bytes = b"",
    **headers: str,
) -> PageRequest:
    """Return a request; underscores in the names of headers are hyphens."""
    path, _, query = path.partition("?")
    named = {**LOCAL, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return PageRequest(method, path, query, HeaderMap(named), body, client)


def get(site: Site, path: str, **headers: Any) -> PageResponse:
    return site.respond(request(path, **headers))


def post(site: Site, path: str, **form: str) -> PageResponse:
    """Send a form as our own page sends it."""
    body = urlencode({FIELD: TOKEN, **form}).encode()
    headers = {"cookie": f"{COOKIE}={TOKEN}", "sec_fetch_site": "same-origin"}
    return site.respond(request(path, method="POST", body=body, **headers))


def shown(response: PageResponse) -> str:
    """Return the text of a page, with one space between words."""
    html = response.body.decode()
    main = re.sub(r"(?s)<(header|script|select).*?</\1>", " ", html.partition("<main")[2])
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())
