"""Every command that the docs show, typed into a terminal: it does what is shown."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import NamedTuple, Self

import httpx2
import pytest

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.asgi import WebhookApp
from florentin_webhooks.events import Event
from florentin_webhooks.testing import Provider
from tests.support import forked_command
from tests.support.command_line import DEMO, QUICK_DEMO, SECRET, Program, environment, started
from tests.support.fork_server import server_path
from tests.support.markdown import PAGES, ROOT, Block, write_modules
from tests.support.server import under_uvicorn


class Staying(NamedTuple):
    """A command that stays up, what it prints when ready, and its exit code after Ctrl-C.

    *ready* may capture the URL that it serves from then on. With *unless* it does not stay.
    """

    ready: str
    code: int
    unless: str = "--help"


CONSOLE = [
    block for page in PAGES for block in page.of("console") if block.text.strip() != f"$ {DEMO}"
]

STAYING: Mapping[str, Staying] = {
    "demo": Staying(r"Ctrl-C ends the demonstration", 0, unless="--once"),
    "dev": Staying(r"Serving \S+ at (\S+) until Ctrl-C", 130),
    "simulate": Staying(r"A local Florentin at (\S+) until Ctrl-C", 130),
    "worker": Staying(r"Working on queue", 0, unless="--burst"),
    "flask run": Staying(r"Running on", 0),
}
ADDED: Mapping[str, tuple[str, str]] = {
    "dev": ("--port", "0"),  # The default port may be taken.
    "simulate": ("--port", "0"),
    "trigger": ("--to", "{url}"),
}
"""Options that a command gets here, unless the docs show it with one."""

OPERATING = ("worker", "queue", "health", "deliveries", "dead", "spool", "reconcile")
"""Commands that look at a Redis which others use, and at a queue in it."""

_NAMES = ("florentin-webhooks", "florentin")
_MODULES = {**dict.fromkeys(_NAMES, "florentin_webhooks"), "flask": "flask"}
"""Programs that are typed, and what Python runs for each."""

_OURS = re.compile(r"\bflorentin(?:-webhooks)? (?P<name>[a-z]+)\b(?P<rest>[^|;&)]*)")
_ENDPOINT = re.compile(r"https?://[^\s/]+/webhooks/florentin\b")
_SIMULATOR = "http://127.0.0.1:8600"
_MASKS = {
    r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b": "UUID",
    r"\b[0-9a-f]{32}\b": "FINGERPRINT",
    r"\b\d+ ms\b": "MILLISECONDS",
    r"\b\d\d:\d\d:\d\d\b": "TIME",
    r"\b127\.0\.0\.1:\d+\b": "HOST",
    r"\bpython -m florentin_webhooks\b": "florentin-webhooks",
    r" +": " ",
}
_MANAGE = """
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
execute_from_command_line(sys.argv)
"""
_CURL = """
import argparse, sys, urllib.request
from pathlib import Path
parser = argparse.ArgumentParser()
parser.add_argument("-sS", action="store_true")
parser.add_argument("-X")
parser.add_argument("-H", action="append", default=[])
parser.add_argument("-d", "--data-binary", dest="data")
parser.add_argument("url")
given = parser.parse_args()
def read(text):
    return Path(text[1:]).read_text() if text.startswith("@") else text
lines = [line for header in given.H for line in read(header).splitlines()]
request = urllib.request.Request(given.url, read(given.data).encode(), dict(
    line.split(": ", 1) for line in lines))
sys.stdout.write(urllib.request.urlopen(request).read().decode())
"""


class Command(NamedTuple):
    """The words after a ``$``, and the output that is shown below them."""

    text: str
    shown: list[str]


def commands(block: Block) -> list[Command]:
    """The commands of a console block, in their order."""
    found: list[Command] = []
    for line in block.text.replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:], []))
        else:
            assert found, f"{block.place}: a console block begins with a command, not with {line!r}"
            found[-1].shown.append(line)
    return found


class Terminal:
    """A shell in a directory that holds what the docs assume, and what runs beside it.

    Deliveries go to *url*, until a command has been typed that serves another one. There is a
    Redis at *redis_url*.
    """

    def __init__(self, directory: Path, url: str, redis_url: str) -> None:
        self._directory = directory
        self._redis = {
            "FLORENTIN_REDIS_URL": redis_url,
            "FLORENTIN_QUEUE": "florentin",
            "FLORENTIN_SPOOL": str(directory / "spool.db"),
        }
        self._url = url
        self._simulator = _SIMULATOR
        self._code = 0
        self._running: list[tuple[Program, Staying]] = []
        self._processes = ExitStack()
        furnish(directory)
        self._programs = _programs(directory / ".bin")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with self._processes:
            while kind is None and self._running:
                _interrupt(*self._running.pop())

    def type(self, command: Command, *, may_fail: bool = False) -> None:
        """Type it: it must do what is shown, and succeed unless the docs show its exit code."""
        text = _OURS.sub(self._with_options, _ENDPOINT.sub(self._url, command.text))
        text = text.replace(_SIMULATOR, self._simulator)
        program, *words = shlex.split(text)
        staying = STAYING.get(_doing(program, words))
        if staying and staying.unless not in words:
            self._start(program, words, staying)
            return
        written = self._run(text)
        reported = f"{text} ended with {self._code}:\n{written}"
        assert may_fail or self._code == 0, reported
        # A file of that name is up to date for make, which then runs nothing.
        assert not re.search("Traceback|Nothing to be done", written), reported
        assert not command.shown or _masked(written) == _masked("\n".join(command.shown)), reported

    def _with_options(self, found: re.Match[str]) -> str:
        option, value = ADDED.get(found["name"], ("", ""))
        if not option or option in found["rest"].split():
            return found[0]
        return found[0].replace(
            found["name"], f"{found['name']} {option} {value.format(url=self._url)}", 1
        )

    def _run(self, text: str) -> str:
        """What a shell writes, in which ``$?`` is the exit code of the command before."""
        dry = re.sub(r"^make\b", f"make --dry-run --directory {shlex.quote(str(ROOT))}", text)
        done = subprocess.run(
            ["/bin/sh", "-c", f"(exit {self._code}); {dry}"],
            cwd=self._directory,
            env=environment(self._environ(text)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        self._code = done.returncode
        return done.stdout

    def _start(self, name: str, words: list[str], staying: Staying) -> None:
        free = ["--port", "0"] if name == "flask" else []
        whole = ["-m", _MODULES[name], *words, *free]
        if words == ["demo"]:
            whole = ["-c", QUICK_DEMO]  # Its own tests run all the steps.
        run = started(
            ["-W", "error", *whole],
            cwd=self._directory,
            environ=self._environ(f"florentin {words[0]}"),
        )
        program = self._processes.enter_context(run)
        self._running.append((program, staying))
        reported = program.says(staying.ready)
        if words[0] == "simulate":
            self._simulator = reported
        elif reported.startswith("http"):
            self._url = reported
        if name == "flask":
            # It announces itself before it can be interrupted without leaving its socket open.
            httpx2.get(self._url, timeout=60)

    def _environ(self, text: str) -> dict[str, str | None]:
        path = f"{self._programs}:{environment()['PATH']}"
        # Inside `make test`, make would take these for its own.
        made: dict[str, str | None] = dict.fromkeys(("MAKEFLAGS", "MFLAGS", "MAKELEVEL"))
        operates = {match["name"] for match in _OURS.finditer(text)} & {*OPERATING}
        return {**made, "PATH": path, **(self._redis if operates else {})}


def _doing(program: str, words: list[str]) -> str:
    """What is to be done: the first word, or behind ``flask --app shop`` the next one."""
    if program in _NAMES:
        return "".join(words[:1])
    return f"flask {''.join(words[2:3])}" if program == "flask" else ""


def _interrupt(program: Program, staying: Staying) -> None:
    code = program.end()
    assert "Traceback" not in program.talk + program.data, program.talk
    assert code == staying.code, program.talk


def furnish(directory: Path) -> None:
    """Write the files that the docs assume: modules, a body, its headers, secrets."""
    write_modules(directory)
    (directory / "manage.py").write_text(_MANAGE)
    made = Provider(SECRET).make("invoice.created")
    (directory / "body.json").write_bytes(made.body)
    lines = [f"{name}: {value}\n" for name, value in made.headers.items()]
    (directory / "headers").write_text("".join(lines))
    (directory / "deliveries.csv").write_text("id,state\n")
    (directory / "keys").mkdir()
    for name, secret in {"2026-11": SECRET, "2025-02": json.dumps(SECRET)}.items():
        (directory / "keys" / name).write_text(f"{secret}\n")


def _programs(folder: Path) -> Path:
    """Create a folder of programs: ours with warnings as errors, and curl if it is missing."""
    folder.mkdir()
    quoted = shlex.quote(sys.executable)
    python = f"exec {quoted} -W error"
    ours = f'exec {quoted} -IS {forked_command.__file__} {server_path()} "$@"'
    scripts = {**dict.fromkeys(_NAMES, ours), "flask": f'{python} -m flask "$@"'}
    scripts["python"] = f'{python} "$@"'
    if shutil.which("curl") is None:
        scripts["curl"] = f'{python} -c {shlex.quote(_CURL)} "$@"'
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o700)
    return folder


def _masked(text: str) -> str:
    """*text* without what differs from run to run."""
    for pattern, word in _MASKS.items():
        text = re.sub(pattern, word, text)
    return text.rstrip()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The URL of a receiver for the commands that send to one."""
    receiver = Receiver(SECRET, store=MemoryStore())

    @receiver.on(Event)
    async def take(_: Event) -> None: ...

    with under_uvicorn(WebhookApp(receiver)) as port:
        yield f"http://127.0.0.1:{port}/webhooks/florentin"


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.place)
def test_commands_print_what_is_shown(block: Block, endpoint: str, redis_url: str) -> None:
    """Type the commands of *block* into a terminal of its own: they must do what is shown."""
    typed = commands(block)
    with (
        TemporaryDirectory(prefix="fw-") as directory,
        Terminal(Path(directory), endpoint, redis_url) as terminal,
    ):
        for command, following in zip(typed, [*typed[1:], None], strict=True):
            shows_code = following is not None and following.text == "echo $?"
            terminal.type(command, may_fail=shows_code)
