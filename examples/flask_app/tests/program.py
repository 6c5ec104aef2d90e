"""The whole program as `make run` starts it, in its own directory, and commands for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from saas import create_app

from florentin_webhooks.redis.embedded_server import EmbeddedServer

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
SECRET = token_hex(32)


class Program:
    """A running program: the processes of run.py, in *directory*."""

    def __init__(self, directory: Path, crm_url: str) -> None:
        self.directory = directory
        settings = {
            "PYTHONPATH": str(ROOT),
            "PORT": "0",
            "DATABASE_URL": f"sqlite:///{directory}/saas.db",
            "CRM_URL": crm_url,
            "FLORENTIN_WEBHOOK_SECRET": SECRET,
            "FLORENTIN_REDIS_URL": "",  # Its own server, even if you have set one.
            "FLORENTIN_QUEUE_RETRIES": "1,1",
        }
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "run.py"],
            cwd=directory,
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def await_start(self) -> None:
        eventually(lambda: "Press Ctrl-C to stop.\n" in self.output or not self.reader.is_alive())
        assert self.reader.is_alive(), "".join(self.output)
        line = next(line for line in self.output if "/customers/" in line)
        self.url = line.split()[-1].removesuffix("/customers/")
        self.redis_url = EmbeddedServer(self.directory / ".florentin").url
        overrides = {
            "SQLALCHEMY_DATABASE_URI": "sqlite://",
            "FLORENTIN_WEBHOOK_SECRET": SECRET,
            "FLORENTIN_REDIS_URL": self.redis_url,
        }
        self.operator = create_app(overrides).test_cli_runner()

    def end(self) -> int:
        """Stop it as Ctrl-C does, and wait until all of its processes have closed their output."""
        self.process.send_signal(signal.SIGINT)
        self.reader.join(60)
        assert not self.reader.is_alive(), "a process is still running"
        return self.process.wait(60)

    def trigger(self, event: str, *words: str) -> list[dict[str, Any]]:
        """Send a delivery with the command of the README, and return the responses."""
        words = ("trigger", event, "--to", f"{self.url}/webhooks/florentin", "--json", *words)
        done = subprocess.run(
            [BIN / "florentin-webhooks", *words],
            env=os.environ | {"FLORENTIN_WEBHOOK_SECRET": SECRET},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def operate(self, *words: str) -> list[dict[str, Any]]:
        """Run ``flask --app saas florentin`` with *words*, on this program's Redis."""
        done = self.operator.invoke(args=["florentin", *words, "--json"])
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    def page(self, path: str) -> str:
        """Return a page, or an empty text if it does not exist yet."""
        with suppress(HTTPError), urlopen(self.url + path, timeout=60) as response:  # noqa: S310
            text: str = response.read().decode()
            return text
        return ""

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            self.output.extend(lines)


@contextmanager
def run_program(directory: Path, crm_url: str = "") -> Generator[Program]:
    program = Program(directory, crm_url)
    try:
        program.await_start()
        yield program
    finally:
        program.end()


def eventually(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait until *condition* is true; fail after *seconds*."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "condition was not met in time"
        time.sleep(0.02)
