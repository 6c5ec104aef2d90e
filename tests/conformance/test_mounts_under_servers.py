"""The same deliveries, honest and hostile, through every mount under its real servers.

What is answered is what the receiver says without any server: status, outcome, and body to the
byte. BY_THE_SERVER, TRAILERS and PIECES list what a server does before it calls the program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from florentin_webhooks import Receiver, Reply
from florentin_webhooks.protocol.delivery import Outcome
from tests.support.http import Answer, Connection, raw
from tests.support.mount_cases import ATTACKS, CASES, Case
from tests.support.server import ASGI_SERVERS, WSGI_SERVERS, served
from tests.support.vectors import Request

pytestmark = pytest.mark.answers("every request", "ADP-11", "SIG-29", "HTTP-04")

ALL = CASES | ATTACKS
NUMBERS = {name: number for number, name in enumerate(ALL)}
ASGI_MOUNTS = ("route", "middleware", "fastapi", "litestar", "django")
WSGI_MOUNTS = ("plain", "flask", "django")
PLACES = [
    *(("uvicorn h11", mount) for mount in ASGI_MOUNTS),
    *(("uvicorn httptools", mount) for mount in ("route", "django")),
    *((server, mount) for server in WSGI_SERVERS for mount in WSGI_MOUNTS),
]
SHORT = {
    ("uvicorn h11", "route"),
    ("uvicorn httptools", "django"),
    ("gunicorn sync", "flask"),
    ("gunicorn gthread", "plain"),
}
"""Each server with one mount; ``test_mounts.py`` has every mount with all cases, and no server."""
LONG_HEADERS = ("SIG-32 64 KiB", "SIG-32 1 MiB")
BY_THE_SERVER = {
    "uvicorn h11": LONG_HEADERS,
    "uvicorn httptools": ("method post",),
    "gunicorn sync": ("method post", *LONG_HEADERS),
    "gunicorn gthread": ("method post", *LONG_HEADERS),
}
"""What a server may refuse by itself: headers that are too long for it, and words of its own."""

TRAILERS = ("uvicorn httptools", "SIG-17")
"""httptools adds trailers to the headers where all of a request arrives at once; see SIG-17."""

PIECES = ("uvicorn h11", "500 other headers")
"""h11 refuses more than 16 KiB of a head whose end has not arrived: it depends on the network."""

UNSENT = "a declared length above the limit"

Ports = Callable[[str], int]
Seen = tuple[object, ...]
"""Outcome, status and body of an answer; or REFUSED."""

REFUSED = ("refused by the server",)


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """The port of a server by its name; it is started when it is wanted for the first time."""
    known: dict[str, int] = {}
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:

        def port(server: str) -> int:
            if server not in known:
                app = "asgi" if server in ASGI_SERVERS else "wsgi"
                log: Path = folder / f"{server}.log"
                program = served(server, f"tests.support.program:{app}", log)
                known[server] = stack.enter_context(program)
            return known[server]

        yield port


def answer_to(request: Request, port: int, path: str) -> Answer | None:
    length = b"Content-Length" not in dict(request.headers)
    with Connection(port) as connection:
        connection.send(raw(request, path, length=length))
        return connection.answer()


def seen(server: str, name: str, answer: Answer | None) -> Seen:
    """Return what a client of the server sees of *answer*."""
    if name in BY_THE_SERVER[server] and (answer is None or answer.status in (400, 401, 431)):
        return REFUSED
    assert answer is not None, f"no answer to {name}"
    return answer.outcome, answer.status, answer.body


@cache
def expected_of(name: str) -> list[Seen]:
    """Return the outcomes of a case, and the bodies of a receiver without a server."""
    case = ALL[name]
    receiver = case.build()
    replies = [reference(receiver, request) for request in case.requests]
    return [
        (outcome, Outcome(outcome).status, reply.body)
        for outcome, reply in zip(case.outcomes, replies, strict=True)
    ]


def reference(receiver: Receiver, request: Request) -> Reply:
    refused = receiver.screen(request.method, request.headers)
    return refused or receiver.receive(request.headers, request.body)


def cases_of(server: str, mount: str) -> dict[str, Case]:
    """Return the cases that can reach *mount* under *server*."""
    if mount == "django" and server in ASGI_SERVERS:
        # Under ASGI, Django waits for all of a body before its view runs.
        return {name: case for name, case in ALL.items() if name != UNSENT}
    return ALL


@pytest.mark.parametrize(
    ("server", "mount"),
    [pytest.param(*place, marks=[] if place in SHORT else pytest.mark.long) for place in PLACES],
)
def test_every_server_sends_the_same_reply(server: str, mount: str, ports: Ports) -> None:
    wrong: list[object] = []
    for name, case in cases_of(server, mount).items():
        path = f"/{mount}/case{NUMBERS[name]}/0"
        answers = [answer_to(request, ports(server), path) for request in case.requests]
        given = [seen(server, name, answer) for answer in answers]
        expected = expected_of(name)
        if name in BY_THE_SERVER[server]:
            expected = [REFUSED] * len(case.requests)
        if (server, name) == TRAILERS and [each[:2] for each in given] == [("processed", 200)]:
            continue
        if (server, name) == PIECES and [each[1] for each in given] == [400]:
            continue
        if given != expected:
            wrong.append((mount, name, given, expected))
    assert wrong == []
