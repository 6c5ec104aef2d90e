"""A primary, its replica and a Sentinel that watches them, from the embedded server's program."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import redis

from florentin_webhooks.redis.embedded_server import EmbeddedServer
from florentin_webhooks.redis.server_binary import find_binary
from tests.support.ports import free_port
from tests.support.waiting import eventually

SERVICE = "shop"
RECOMMENDED = {"min-replicas-to-write": "1", "min-replicas-max-lag": "2"}
"""What the docs recommend for a server with replicas."""
# It ends with its standard input, as an embedded server does.
_GUARD = '"$@" </dev/null & child=$!; read _; kill $child; wait $child'
_FAST = ("info-period", 200, "ping-period", 200, "ask-period", 200, "publish-period", 200)
_PATIENT = ("tilt-trigger", 30_000)
"""A busy machine stops a Sentinel for a while, which then would do nothing for long."""


class Server:
    """One of the two servers, on a TCP *port*."""

    def __init__(self, directory: Path, options: Mapping[str, str]) -> None:
        self.port = free_port()
        address = {"port": str(self.port), "bind": "127.0.0.1", "repl-diskless-sync-delay": "0"}
        self.server = EmbeddedServer(directory, options={**address, **options})
        self.client = redis.Redis(host="127.0.0.1", port=self.port, socket_timeout=10, protocol=2)

    def replication(self) -> Mapping[str, Any]:  # Any: values of INFO.
        found: Mapping[str, Any] = self.client.info("replication")
        return found

    def kill(self) -> None:
        os.kill(self.server.pid(), signal.SIGKILL)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Stop it: its connections stay open, and nothing is read from them."""
        pid = self.server.pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


class Watched:
    """The servers and the Sentinel, which finds the primary dead after *patience* milliseconds."""

    def __init__(self, directory: Path, options: Mapping[str, str], patience: int) -> None:
        self.servers = [Server(directory / name, options) for name in ("first", "second")]
        self.port = free_port()
        self.client = redis.Redis(host="127.0.0.1", port=self.port, socket_timeout=10, protocol=2)
        self._directory = directory
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.port}/{SERVICE}/0"

    @property
    def primary(self) -> Server:
        """The server that the Sentinel names."""
        _, port = self._ask("GET-MASTER-ADDR-BY-NAME", SERVICE)
        return next(each for each in self.servers if each.port == int(port))

    @property
    def replica(self) -> Server:
        primary = self.primary
        return next(each for each in self.servers if each is not primary)

    def listed_port(self) -> int:
        """Return the port of the primary in the Sentinel's list of services."""
        services: Any = self.client.sentinel_masters()
        return int(services[SERVICE]["port"])

    def start(self) -> None:
        first, second = self.servers
        second.client.replicaof("127.0.0.1", first.port)
        eventually(lambda: second.replication()["master_link_status"] == "up")
        self._start_sentinel()
        eventually(self._answers)
        self._ask("DEBUG", *_FAST, *_PATIENT)
        eventually(self.is_ready)

    def stop(self) -> None:
        if self._process is not None:
            self._process.communicate(timeout=60)
        for client in (self.client, *(each.client for each in self.servers)):
            client.close()

    def is_ready(self) -> bool:
        """Return whether the Sentinel knows a replica that it may promote."""
        replicas = self.client.sentinel_slaves(SERVICE)
        return any(each["master-link-status"] == "ok" for each in replicas)

    def fail_over(self) -> None:
        """Make the replica the primary; return when it is."""
        before = self.primary
        self.begin_failover()
        self.wait_for_promotion(before)

    def wait_for_promotion(self, before: Server, seconds: float = 60) -> None:
        """Wait until another server than *before* is the primary."""

        def is_promoted() -> bool:
            primary = self.primary
            return primary is not before and primary.replication()["role"] == "master"

        eventually(is_promoted, seconds=seconds)

    def begin_failover(self) -> None:
        """Ask the Sentinel to promote the replica, as for a planned maintenance."""
        self._ask("FAILOVER", SERVICE)

    def _ask(self, *words: str | int) -> Any:
        return cast("Any", self.client).execute_command("SENTINEL", *words)

    def _answers(self) -> bool:
        with suppress(redis.ConnectionError):
            return bool(self.client.ping())
        return False

    def _start_sentinel(self) -> None:
        settings = self._directory / "sentinel.conf"
        settings.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self._directory}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.servers[0].port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} {self._patience}\n"
            f"sentinel failover-timeout {SERVICE} 10000\n"
        )
        words = ["/bin/sh", "-c", _GUARD, "sentinel", find_binary(), str(settings), "--sentinel"]
        with (self._directory / "sentinel.log").open("wb") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=log, stderr=log)


@contextmanager
def watched_pair(
    directory: Path, options: Mapping[str, str] = {}, *, patience: int = 20_000
) -> Iterator[Watched]:
    """Yield a primary with a replica in *directory*, and a Sentinel; they end with the block."""
    watched = Watched(directory, options, patience)
    with ExitStack() as stack:
        for each in watched.servers:
            stack.enter_context(each.server)
        stack.callback(watched.stop)
        watched.start()
        yield watched
