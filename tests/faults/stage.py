"""A server, web processes and workers, as real processes that can be killed."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import redis

from florentin_webhooks.redis.embedded_server import EmbeddedServer
from tests.faults.oracle import Oracle
from tests.faults.program import QUEUE
from tests.faults.sessions import end, leads_group, processes_of
from tests.support.fork_server import WORKERS, Forked, Request
from tests.support.proxy import Proxy
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]


class Endless:
    """What a stage starts and stops of a server at *url* that the test has started."""

    def __init__(self, url: str) -> None:
        self.url = url

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def pid(self) -> int:
        raise OSError


class Stage:
    """*webs* web processes behind one port and *workers* workers of a server with AOF.

    With *proxied*, they reach the server through a proxy that can lose answers; with *spooled*,
    they write to a spool while it is away.
    """

    def __init__(
        self,
        folder: Path,
        *,
        webs: int = 1,
        workers: int = 2,
        proxied: bool = False,
        spooled: bool = False,
    ) -> None:
        self.is_spooled = spooled
        self.folder = folder
        self.server = EmbeddedServer(folder / "redis")
        self.proxy = Proxy(self.server.url) if proxied else None
        self.client = redis.Redis.from_url(self.server.url)
        self.oracle = Oracle(folder / "oracle.jsonl")
        self.spool = folder / "spool.db"
        self.sessions: list[int] = []
        self.running: dict[str, Forked] = {}
        self._cast = [f"web {n}" for n in range(webs)] + [f"fork {n}" for n in range(workers)]
        self._names = list(self._cast)
        self._lifeline, self._held = os.pipe()  # It ends with the test.
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/webhooks/florentin"

    def __enter__(self) -> Self:
        self.oracle.clear()
        self.server.start()
        if self.proxy:
            self.proxy.__enter__()
        self.revive()
        return self

    def __exit__(self, *_: object) -> None:
        for session in self.sessions:
            end(session)
        for process in self.running.values():
            process.wait(timeout=60)
            process.close()
        self._listening.close()
        os.close(self._lifeline)
        os.close(self._held)
        self.client.close()
        if self.proxy:
            self.proxy.__exit__()
        with suppress(OSError):
            os.kill(self.server.pid(), signal.SIGCONT)
        self.server.stop()

    def reset(self) -> None:
        """Restore the first cast of processes; fail if anything is on its way."""
        for name in set(self.running) - set(self._cast):
            self.kill(name)
            self.running.pop(name).close()
        self._names = list(self._cast)
        self.revive()
        for kind in ("die *", "* reached", "* open"):
            for left in self.folder.glob(kind):
                left.unlink()
        self.settle(seconds=60)
        for log in self.folder.glob("*.log"):
            os.truncate(log, 0)
        self.oracle.clear()
        if self.proxy:
            self.proxy.lost = 0

    def names(self, kind: str) -> list[str]:
        return [name for name in self._names if name.startswith(kind)]

    def revive(self) -> None:
        """Start every process that has ended, as a process manager does."""
        for name in self._names:
            running = self.running.get(name)
            if running is None or running.poll() is not None:
                self.start(name)

    def start(self, name: str) -> None:
        """Start a process in a session of its own."""
        if old := self.running.pop(name, None):
            old.close()
        kind = name.split(maxsplit=1)[0]
        descriptor = self._listening.fileno()
        words, passed = (["web"], [descriptor]) if kind == "web" else (["worker", kind], [])
        url = self.proxy.url if self.proxy else self.server.url
        environ = {"FAULTS_FOLDER": str(self.folder), "FAULTS_REDIS": url}
        if self.is_spooled:
            environ["FAULTS_SPOOL"] = str(self.spool)
        module, given = "tests.faults.processes", {**os.environ, **environ}
        request = Request(words, str(ROOT), given, module, leads=True, warns=True)
        with (self.folder / f"{name}.log").open("ab") as log:
            streams = [self._lifeline, log.fileno(), log.fileno(), *passed]
            self.running[name] = Forked(request, streams, WORKERS)
        self.sessions.append(self.running[name].pid)

    def stop_all(self, kind: str) -> None:
        """Kill every process of a *kind* for good."""
        for name in self.names(kind):
            self.kill(name)
            self._names.remove(name)

    def add(self, name: str) -> None:
        self._names.append(name)
        self.start(name)

    def kill(self, name: str, *, alone: bool = False) -> list[int]:
        """Kill a process with its children, or *alone*; return the ids of the killed."""
        process = self.running[name]
        if alone:
            process.kill()
            victims = [process.pid]
        else:
            victims = end(process.pid)
        process.wait(timeout=60)
        return victims

    def horses(self) -> set[int]:
        """Return the work-horses that are running."""
        leaders = {self.running[name].pid for name in self.names("fork")}
        pids = [pid for session in leaders for pid in processes_of(session)]
        return {pid for pid in pids if pid not in leaders and leads_group(pid)}

    def arm(self, point: str) -> None:
        (self.folder / f"die {point}").touch()

    def has_died(self, point: str) -> bool:
        return not (self.folder / f"die {point}").exists()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Kill the server, and start it again at the end."""
        os.kill(self.server.pid(), signal.SIGKILL)
        try:
            yield
        finally:
            self.server.start()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Stop the server: it accepts connections and does not answer."""
        os.kill(self.server.pid(), signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.server.pid(), signal.SIGCONT)

    @contextmanager
    def full(self) -> Iterator[None]:
        self.client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            self.client.config_set("maxmemory", 0)

    def stuck(self) -> dict[str, int]:
        """Return everything that is on its way."""
        return stuck_in(self.client, "fl:")

    def settle(self, *, seconds: float = 120) -> None:
        """Wait until nothing is on its way; start processes that have ended."""

        deadline = time.monotonic() + seconds
        while stuck := self.stuck():
            assert time.monotonic() < deadline, f"stuck: {stuck}; {self.logs()}"
            self.revive()
            time.sleep(0.03)  # Polling without a pause would take the processor from the workers.

    def wait(self, condition: Callable[[], object], *, seconds: float = 60) -> None:
        """Wait for *condition*; fail with the output of the processes."""
        try:
            eventually(condition, seconds=seconds)
        except AssertionError:
            raise AssertionError(f"it did not happen; {self.stuck()}; {self.logs()}") from None

    def swept(self) -> int:
        """Return the number of jobs that a sweeper has requeued."""
        logs = (log.read_text() for log in self.folder.glob("*.log"))
        return sum(text.count(": lost\n") for text in logs)

    def logs(self) -> str:
        """Return the last lines of each process."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"== {log.stem}\n{log.read_text()[-1500:]}" for log in logs)


def stuck_in(client: Any, prefix: str) -> dict[str, int]:  # Any: redis-py leaves its types open.
    """Return everything that is on its way in a store whose keys begin with *prefix*."""
    lists = {"queued": f"rq:queue:{QUEUE}", "popped": f"rq:queue:{QUEUE}:intermediate"}
    sets = {
        "started": f"rq:wip:{QUEUE}",
        "scheduled": f"rq:scheduled:{QUEUE}",
        "failed": f"rq:failed:{QUEUE}",
        "pending": f"{prefix}pending:{QUEUE}",
        "dead": f"{prefix}dead",
    }
    found = {what: int(client.llen(key)) for what, key in lists.items()}
    found |= {what: int(client.zcard(key)) for what, key in sets.items()}
    if any(found.values()):  # The rest is slow to look at.
        return {what: count for what, count in found.items() if count}
    found["jobs"] = sum(1 for _ in client.scan_iter("rq:job:*", 500))
    start = f"{prefix}d".encode()
    records = [key for key in client.scan_iter(f"{prefix}d*", 500) if len(key) == len(start) + 16]
    states = [client.hget(key, "s") for key in records]
    # What is "running" or "failed" waits for its sender, to whom nothing was promised.
    found["open"] = sum(state in {b"queued", b"dead"} for state in states)
    return {what: count for what, count in found.items() if count}
