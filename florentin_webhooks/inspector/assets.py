"""Templates, and the files that pages refer to: each with a hash in its name, cached for good."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.times import format_age, format_due
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.inspector.response import PageResponse, text
from florentin_webhooks.inspector.views import formats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

__all__ = ["Asset", "assets", "ensure_templates", "render", "serve_asset"]

_ROOM = "florentin_webhooks.inspector"
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_TYPES["svg"] = "image/svg+xml"
_FOREVER = ("Cache-Control", "public, max-age=31536000, immutable")


class Asset(NamedTuple):
    """A file of the package, its type, and the headers to serve it with."""

    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = (_FOREVER,)


@cache
def assets() -> Mapping[str, Asset]:
    """Return the files by the names under which they are served: ``inspector.1a2b3c4d.css``."""
    return {_hashed(name): Asset(_read(name), _TYPES[name.rpartition(".")[2]]) for name in _NAMES}


def serve_asset(name: str) -> PageResponse:
    """Return the file that is served as *name*, or that there is none."""
    found = assets().get(name)
    if found is None:
        return text(HTTPStatus.NOT_FOUND, "There is no such file.")
    return PageResponse(HTTPStatus.OK, found.body, found.content_type, found.headers)


_NAMES = ("inspector.css", "inspector.js", "icon.svg")


def ensure_templates() -> None:
    """Raise :class:`ConfigurationError` where Jinja2, an extra, is not installed."""
    if find_spec("jinja2") is None:
        raise ConfigurationError(
            "The inspector needs Jinja2, which is not installed.",
            'Run: pip install "florentin-webhooks[inspector]"',
        )


def render(template: str, room: str = _ROOM, /, **values: object) -> bytes:
    """Return the page that *template* makes of *values*; it is in *room*, or here."""
    return _environment(room).get_template(template).render(values).encode()


def _read(name: str) -> bytes:
    return (files(_ROOM) / "static" / name).read_bytes()


@cache
def _hashed(name: str) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{sha256(_read(name)).hexdigest()[:8]}.{suffix}"


@cache
def _environment(room: str) -> Environment:
    import jinja2  # noqa: PLC0415 - an extra.

    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([*map(jinja2.PackageLoader, dict.fromkeys((room, _ROOM)))]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"asset": _hashed}
    environment.filters |= {
        "age": format_age,
        "due": format_due,
        "clock": formats.clock,
        "moment": formats.moment,
        "span": formats.span,
        "iso": formats.iso,
    }
    return environment
