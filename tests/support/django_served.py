"""The program of ``tests.support.django_site`` under a server or ``manage.py``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.command_line import Program, python
from tests.support.http import Answer, Connection
from tests.support.server import Server, served
from tests.support.vectors import Request

PATH = "/webhooks/florentin"
SETTINGS = "tests.support.django_site.settings"
SECRET = "a-secret-of-the-django-site"


class Site(Server):
    """A running program and its provider."""

    def __init__(self, port: int, name: str, log: Path) -> None:
        super().__init__(port, name, log)
        self.provider = Provider(SECRET)
        self.is_asgi = name.startswith("uvicorn")

    def send(
        self, made: SignedDelivery, path: str = PATH, *, chunked: bool = False, **more: str
    ) -> Answer:
        """Send a delivery with *more* headers, in which "_" means "-"."""
        return self.answer(written(as_request(made, **more), path, chunked=chunked))

    def answer(self, data: bytes) -> Answer:
        """Return the answer to exactly these bytes."""
        with Connection(self.port) as connection:
            connection.send(data)
            answer = connection.answer()
        assert answer is not None, self.output()
        return answer

    def effects(self) -> list[str]:
        return [*json.loads(self.get("/effects"))]


def as_request(made: SignedDelivery, **more: str) -> Request:
    pairs = {**made.headers, **{name.replace("_", "-"): value for name, value in more.items()}}
    return Request(tuple((n.encode(), v.encode()) for n, v in pairs.items()), made.body)


def written(request: Request, path: str, *, chunked: bool = False) -> bytes:
    """Return the bytes of *request*; *chunked*: without a length."""
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(request.body)
    lines = [f"{request.method} {path} HTTP/1.1".encode(), b"Host: localhost", length]
    lines += [name + b": " + value for name, value in request.headers]
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(request.body), request.body) if chunked else request.body
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def program_of(database: Path, **more: str) -> dict[str, str]:
    """Return the environment of the program with its tables in *database*."""
    return {"SITE_DATABASE": str(database), "DJANGO_SETTINGS_MODULE": SETTINGS, **more}


def managed(environment: Mapping[str, str], *words: str) -> Program:
    return python("-W", "error", "-m", "django", *words, environ=environment)


def migrated(database: Path) -> Path:
    """Create all tables in *database* and return it."""
    made = managed(program_of(database), "migrate", "--run-syncdb", "--verbosity", "0")
    assert made.wait() == 0, made.talk
    return database


@contextmanager
def serve(server: str, folder: Path, environment: Mapping[str, str]) -> Iterator[Site]:
    kind = "asgi" if server.startswith("uvicorn") else "wsgi"
    log = folder / f"{server.replace(' ', '-')}-{os.getpid()}.log"
    app = f"django.core.{kind}:get_{kind}_application()"
    with served(server, app, log, environment=environment) as port:
        yield Site(port, server, log)
