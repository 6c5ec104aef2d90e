"""The URL that a sender called, for senders that sign it: scheme, host, path and query as sent.

A path without its raw bytes is used where it has one spelling only. Anything else is None, and a
signature over the URL is then refused. A receiver behind a proxy that changes scheme, host or path
sets the URL at its sender.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.protocol.headers import HeaderMap

__all__ = ["asgi_url", "wsgi_url"]

_HOST = re.compile(r"[A-Za-z0-9._~:\[\]-]{1,255}")
_UNAMBIGUOUS = re.compile(r"[A-Za-z0-9/._~-]*")


def asgi_url(scope: Mapping[str, object], headers: HeaderMap) -> str | None:
    """Return the URL of an ASGI *scope*, None where it cannot be known."""
    raw, root = scope.get("raw_path"), str(scope.get("root_path") or "").rstrip("/")
    if isinstance(raw, bytes) and raw:
        path: str | None = raw.partition(b"?")[0].decode("latin-1")
    else:
        path = _plain(str(scope["path"]))
    if path is not None and root and not path.startswith(f"{root}/"):
        path = root + path
    query = scope.get("query_string")
    text = query.decode("latin-1") if isinstance(query, bytes) else ""
    return _join(str(scope.get("scheme", "http")), headers.get_all("host"), path, text)


def wsgi_url(environ: Mapping[str, object]) -> str | None:
    """Return the URL of a WSGI *environ*, None where it cannot be known.

    gunicorn and waitress have the raw target in ``RAW_URI`` or ``REQUEST_URI``.
    """
    target = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")
    hosts = [str(environ["HTTP_HOST"])] if environ.get("HTTP_HOST") else []
    path: str | None
    if target.startswith("/"):
        path, _, query = target.partition("?")
    else:
        path = _plain(f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}")
        query = str(environ.get("QUERY_STRING", ""))
    return _join(str(environ.get("wsgi.url_scheme", "")), hosts, path, query)


def _plain(path: str) -> str | None:
    return path if _UNAMBIGUOUS.fullmatch(path) else None


def _join(scheme: str, hosts: list[str], path: str | None, query: str) -> str | None:
    if not scheme or len(hosts) != 1 or not _HOST.fullmatch(hosts[0]) or path is None:
        return None
    return f"{scheme}://{hosts[0]}{path}{'?' if query else ''}{query}"
