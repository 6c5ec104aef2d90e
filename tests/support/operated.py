"""A program for the command line: its module, its effects, its workers."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis
from click.testing import Result

from florentin_webhooks import Receiver
from florentin_webhooks.cli.loader import load
from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import ClaimJob
from florentin_webhooks.testing import Provider
from tests.support.command_line import SECRET, Program, python, started, type_in
from tests.support.fork_server import START
from tests.support.waiting import eventually

_HOOKS = """
import os, time
from pathlib import Path
from florentin_webhooks import Receiver, RedisStore, RQQueue, events

here = Path(__file__).parent
hooks = Receiver(
    SECRET,
    store=RedisStore(os.environ.get("SHOP_REDIS", URL)),
    queue=RQQueue("florentin", retries=(1,)),
)
inline = Receiver(SECRET)

def note(text: str) -> None:
    with (here / "effects").open("a") as file:
        file.write(text + "\\n")

@hooks.on("invoice.created")
def bill(event: events.InvoiceCreated) -> None:
    note("bill begins")
    while (here / "hold").exists():
        time.sleep(0.005)
    if (here / "broken").exists():
        raise ValueError("billing@adabooks.example")
    note("bill ends")

@hooks.on("user.login", inline=True)
def greet(event: events.UserLogin) -> None:
    if (here / "broken").exists():
        raise ValueError("ada@adabooks.example")
    note("greet")

@hooks.on("tos.accepted", queue="papers")
def file(event: events.TosAccepted) -> None:
    note("file")
"""


class Operated:
    """A program in *directory* with its store at *url*."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory, self.url = directory, url
        self.module = f"shop_{uuid4().hex[:8]}"
        self.app = f"{self.module}:hooks"
        self.provider = Provider(SECRET)
        self.client = redis.Redis.from_url(url)
        self.environ: dict[str, str | None] = {}
        settings = f"URL = {url!r}\nSECRET = {SECRET!r}\n"
        (directory / f"{self.module}.py").write_text(settings + _HOOKS)

    def sent(self, event: str, **data: Any) -> str:  # Any: JSON.
        """Receive a new delivery and return its fingerprint."""
        body = self.provider.deliver(self.hooks(), event, **data).body
        found = re.search(rb'"delivery":"([0-9a-f]{32})"', body)
        return found[1].decode() if found else self.json("deliveries", "list")[0]["fingerprint"]

    def hooks(self) -> Receiver[object]:
        with chdir(self.directory):
            return load(self.app)

    def types(self, *words: str, app: str = "") -> Result:
        count = 2 if words[0] in ("deliveries", "dead", "spool") else 1
        line = [*words[:count], app or self.app, *words[count:]]
        with chdir(self.directory):
            return type_in(*line, environ=self.environ)

    def json(self, *words: str) -> list[dict[str, Any]]:  # Any: JSON.
        """Return the objects that a command prints."""
        return [json.loads(line) for line in self.types(*words, "--json").stdout.splitlines()]

    def states(self) -> list[str]:
        """Return the states of all deliveries, the newest first."""
        return [each["state"] for each in self.json("deliveries", "list")]

    def works(self, *options: str) -> Program:
        """Run a worker until its queue is empty."""
        return python(*self._words(*options, "--burst"), cwd=self.directory, environ=self.environ)

    @contextmanager
    def working(self, *options: str) -> Iterator[Program]:
        """Start a worker that stays."""
        words = self._words(*options)
        with started(words, cwd=self.directory, environ=self.environ) as program:
            program.says("Working on queue")
            eventually(lambda: "started with PID" in program.data)
            yield program

    def finish_job(self, fingerprint: str, wait: float) -> None:
        """Fail one attempt of a delivery's part, whose next one is due after *wait* seconds."""
        hooks, key, token = self.hooks(), bytes.fromhex(fingerprint), b"attempt"
        part, _ = hooks.build_job(fingerprint, "florentin")
        hooks.store.execute(ClaimJob(key, token, part, 60, hooks.identity.all_key_ids))
        failed = Finish(key, token, State.QUEUED, reason="bill: E", part=part, wait=wait)
        hooks.store.execute(failed)

    def effects(self) -> list[str]:
        path = self.directory / "effects"
        return path.read_text().splitlines() if path.exists() else []

    def put(self, name: str) -> Path:
        """Create a file that the handlers look for."""
        (self.directory / name).touch()
        return self.directory / name

    def close(self) -> None:
        self.client.close()
        if self.module in sys.modules:
            self.hooks().close()

    def _words(self, *options: str) -> list[str]:
        return [*START, "worker", self.app, *options]
