"""The URL that a sender called, from what each kind of server passes on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from hmac import digest
from io import BytesIO
from typing import Any

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.asgi import WebhookApp
from florentin_webhooks.core.wsgi import answer
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.protocol.request_url import asgi_url, wsgi_url
from florentin_webhooks.senders import HMACSender

HOST = "shop.example"


def from_scope(host: str | None = HOST, **scope: Any) -> str | None:  # Any: values of a scope.
    headers = HeaderMap([] if host is None else [("host", host)])
    return asgi_url({"scheme": "https", "path": "/hooks", "query_string": b"", **scope}, headers)


def from_environ(**environ: Any) -> str | None:  # Any: values of an environment.
    plain = {"wsgi.url_scheme": "https", "HTTP_HOST": HOST, "PATH_INFO": "/hooks"}
    return wsgi_url({**plain, **environ})


@pytest.mark.parametrize(
    ("scope", "url"),
    [
        ({}, "https://shop.example/hooks"),
        ({"query_string": b"a=1&b=%20"}, "https://shop.example/hooks?a=1&b=%20"),
        ({"path": "/a b", "raw_path": b"/a%20b"}, "https://shop.example/a%20b"),
        ({"raw_path": b"/hooks?a=1", "query_string": b"a=1"}, "https://shop.example/hooks?a=1"),
        ({"root_path": "/shop", "raw_path": b"/hooks"}, "https://shop.example/shop/hooks"),
        ({"root_path": "/shop", "raw_path": b"/shop/hooks"}, "https://shop.example/shop/hooks"),
        ({"host": "shop.example:8443", "scheme": "http"}, "http://shop.example:8443/hooks"),
        ({"path": "/a b"}, None),
        ({"path": "/\u00e4"}, None),
        ({"host": None}, None),
        ({"host": "evil.example/"}, None),
        ({"host": "a@b"}, None),
    ],
)
def test_url_of_an_asgi_scope(scope: dict[str, Any], url: str | None) -> None:
    assert from_scope(**scope) == url


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "https://shop.example/hooks"),
        ({"QUERY_STRING": "a=1"}, "https://shop.example/hooks?a=1"),
        ({"SCRIPT_NAME": "/shop"}, "https://shop.example/shop/hooks"),
        ({"RAW_URI": "/a%20b?c=%41", "PATH_INFO": "/a b"}, "https://shop.example/a%20b?c=%41"),
        ({"REQUEST_URI": "/a%20b", "PATH_INFO": "/a b"}, "https://shop.example/a%20b"),
        ({"PATH_INFO": "/a b"}, None),
        ({"HTTP_HOST": ""}, None),
    ],
)
def test_url_of_a_wsgi_environment(environ: dict[str, Any], url: str | None) -> None:
    assert from_environ(**environ) == url


# --- a sender that signs the URL, behind both kinds of mounts ---

SECRET, BODY = b"a-secret-of-some-length", b'{"type": "parcel.sent"}'
SENDER = HMACSender(name="Parcel", signature_header="X-Sig", signed="{url}|{body}")


def signature(url: str) -> str:
    return digest(SECRET, url.encode() + b"|" + BODY, "sha256").hex()


def wsgi_status(signed_url: str) -> int:
    environ = {
        "REQUEST_METHOD": "POST",
        "wsgi.url_scheme": "https",
        "HTTP_HOST": HOST,
        "RAW_URI": "/a%20b?c=1",
        "CONTENT_LENGTH": str(len(BODY)),
        "wsgi.input": BytesIO(BODY),
        "HTTP_X_SIG": signature(signed_url),
    }
    return answer(Receiver(SECRET, sender=SENDER, name="wsgi"), environ).status


def asgi_status(signed_url: str) -> int:
    headers = [(b"host", HOST.encode()), (b"x-sig", signature(signed_url).encode())]
    scope: dict[str, Any] = {"type": "http", "method": "POST", "scheme": "https"}
    scope |= {"headers": headers}
    scope |= {"path": "/a b", "raw_path": b"/a%20b", "query_string": b"c=1"}
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": BODY}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    app = WebhookApp(Receiver(SECRET, sender=SENDER, name="asgi"))
    asyncio.run(app(scope, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize("status", [wsgi_status, asgi_status])
def test_mount_passes_the_url_to_a_sender_that_signs_it(status: Any) -> None:
    assert status("https://shop.example/a%20b?c=1") == 200
    assert status("https://shop.example/a%20b?c=2") == 401
