"""The program in processes of its own: its production servers, its worker, and a browser."""

from __future__ import annotations

import html
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

HERE = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
SERVERS = {
    "gunicorn": ("gunicorn", "--bind", "127.0.0.1:0"),
    "uvicorn": ("uvicorn", "config.asgi:application", "--port", "0"),
}
WORKER = ("python", "manage.py", "florentin_webhooks", "worker")


@dataclass(frozen=True)
class Place:
    """A folder with a database, what the environment says there, and who has logged in."""

    folder: Path
    session: str
    settings: dict[str, str]

    @property
    def queued(self) -> bool:
        return "REDIS_URL" in self.settings

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_PATH": str(self.folder / "db.sqlite3"),
            **self.settings,
        }


@dataclass(frozen=True)
class Program:
    """A process, and the file that it writes its log to."""

    place: Place
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, place: Place, *words: str) -> Program:
        log = place.folder / f"{words[0]}.log"
        with log.open("wb") as written:
            command = [str(BIN / words[0]), *words[1:]]
            process = subprocess.Popen(
                command, cwd=HERE, env=place.environment, stdout=written, stderr=written
            )
        return cls(place, process, log)

    def end(self) -> None:
        """End it as Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def ended(self) -> None:
        assert self.process.wait(60) in (0, -signal.SIGINT), self.log.read_text()


@contextmanager
def running(*commands: tuple[Place, Sequence[str]]) -> Iterator[list[Program]]:
    """Run programs of this environment side by side."""
    programs = [Program.start(place, *words) for place, words in commands]
    try:
        yield programs
    finally:
        for program in programs:
            program.end()
        for program in programs:
            program.ended()


@dataclass(frozen=True)
class Site:
    """The program under a server."""

    place: Place
    address: str

    @classmethod
    def served(cls, program: Program) -> Site:
        """Wait until the server says where it is."""
        address = re.compile(r"http://(127\.0\.0\.1:\d+)")
        eventually(lambda: address.search(program.log.read_text()), program.log)
        return cls(program.place, address.findall(program.log.read_text())[0])

    @property
    def webhook(self) -> str:
        return f"http://{self.address}/webhooks/florentin"

    @property
    def taken(self) -> str:
        """The outcome of a delivery that is handled or queued."""
        return "accepted" if self.place.queued else "processed"

    def trigger(
        self, event: str, data: dict[str, str], *words: str
    ) -> subprocess.CompletedProcess[str]:
        """Send an event as the README says."""
        changes = [f"--set=data.{path}={value}" for path, value in data.items()]
        return subprocess.run(
            [BIN / "florentin-webhooks", "trigger", event, "--to", self.webhook, *changes, *words],
            env=self.place.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def get(self, path: str) -> str:
        connection = HTTPConnection(self.address, timeout=60)
        connection.request("GET", path, headers={"Cookie": f"sessionid={self.place.session}"})
        with closing(connection), connection.getresponse() as answer:
            assert answer.status == 200
            return answer.read().decode()

    def page(self, account: str) -> str:
        """The words on the page of the customer whose name is *account*; none without a page."""
        found = re.search(rf'href="(/customers/\d+/)">{account}<', self.get("/customers/"))
        if found is None:
            return ""
        main = self.get(found[1]).partition("<main>")[2]
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())

    def shows(self, account: str, *texts: str) -> None:
        """Wait until the page of *account* says all of these."""
        seen: list[str] = []

        def all_there() -> bool:
            seen[:] = [self.page(account)]
            return all(text in seen[0] for text in texts)

        eventually(all_there, seen)


def eventually(condition: Callable[[], object], seen: object, seconds: float = 60) -> None:
    """Wait until *condition* holds; *seen* is shown where it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, seen
        time.sleep(0.02)
