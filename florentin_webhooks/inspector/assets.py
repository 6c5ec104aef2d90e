"""Templates, and the files that pages refer to: each with a hash in its name, cached for good."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from florentin_webhooks.core.times import format_age, format_due
from florentin_webhooks.inspector.views import formats

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Asset", "assets", "render"]

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


_NAMES = ("inspector.css", "inspector.js", "icon.svg")


def render(template: str, **values: object) -> bytes:
    """Return the page that *template* makes of *values*."""
    return _environment().get_template(template).render(values).encode()


def _read(name: str) -> bytes:
    return (files(_ROOM) / "static" / name).read_bytes()


@cache
def _hashed(name: str) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{sha256(_read(name)).hexdigest()[:8]}.{suffix}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_ROOM), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.lstrip_blocks = True
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
