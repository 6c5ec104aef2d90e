#!/usr/bin/env bash
# A handler's job is to be tried once more when it fails: max_retries=1. A good engineer guesses that this
# is two runs wherever the option is called "retries", and that an option called "attempts" counts runs.
#
# What really happens to a job that always fails:
#                                  1        3
#   Celery         max_retries     2 runs   4 runs
#   Dramatiq       max_retries     2        4
#   Huey           retries         2        4
#   taskiq         max_retries     1        3        in both of its middlewares
#   Procrastinate  max_attempts    2        4
# So in taskiq max_retries=1 is no retry at all, although retry_on_error=True stands beside it, and the
# default of SimpleRetryMiddleware, `default_retry_count=3`, retries twice. In Procrastinate max_attempts=1
# runs a job twice (its guide says of `retry=5` that it is six attempts; of max_attempts it does not).
#
# Why a webhook receiver cares: one retry is what gets a delivery over a restart of the database. A job
# that is moved from Celery or Dramatiq to taskiq with its options is given up at its first error. And
# max_attempts=1 is what one writes for an effect that must not be repeated, such as a payment.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  celery==5.7.0 dramatiq==2.2.1 huey==3.5.4 taskiq==0.13.0 procrastinate==3.10.0

cat >"$work/observe.py" <<'PY'
import asyncio
import logging
import sys
from importlib.metadata import version

import celery
import dramatiq
import huey
import procrastinate
import taskiq
from dramatiq.brokers.stub import StubBroker
from procrastinate.testing import InMemoryConnector

logging.disable(logging.CRITICAL)
runs = []


def book():
    runs.append("run")
    raise ValueError("not yet")


def run_celery(times):
    app = celery.Celery(broker="memory://")
    app.conf.task_always_eager = True
    app.task(book, autoretry_for=(ValueError,), max_retries=times, default_retry_delay=0).delay()


def run_dramatiq(times):
    broker = StubBroker()
    actor = dramatiq.actor(book, broker=broker, max_retries=times, min_backoff=1, max_backoff=2)
    actor.send()
    worker = dramatiq.Worker(broker, worker_timeout=50)
    worker.start()
    broker.join(actor.queue_name, fail_fast=False)
    worker.join()
    worker.stop()


def run_huey(times):
    huey.MemoryHuey(immediate=True).task(retries=times)(book)()


def run_taskiq(times, middleware):
    async def run():
        broker = taskiq.InMemoryBroker(await_inplace=True).with_middlewares(middleware)
        await broker.startup()
        await broker.task(retry_on_error=True, max_retries=times)(book).kiq()
        await broker.wait_all()
        await broker.shutdown()

    asyncio.run(run())


def run_procrastinate(times):
    async def run():
        app = procrastinate.App(connector=InMemoryConnector())
        retry = procrastinate.RetryStrategy(max_attempts=times)
        task = app.task(name="book", retry=retry)(book)
        async with app.open_async():
            await task.defer_async()
            for _ in range(times + 3):
                await app.run_worker_async(wait=False, install_signal_handlers=False)

    asyncio.run(run())


def simple(times):
    run_taskiq(times, taskiq.SimpleRetryMiddleware())


def smart(times):
    run_taskiq(times, taskiq.SmartRetryMiddleware(default_delay=0, use_jitter=False))


CASES = {  # The case: its package, and how many runs 1 and 3 are.
    "Celery, max_retries": (run_celery, "celery", (2, 4)),
    "Dramatiq, max_retries": (run_dramatiq, "dramatiq", (2, 4)),
    "Huey, retries": (run_huey, "huey", (2, 4)),
    "taskiq, simple, max_retries": (simple, "taskiq", (1, 3)),
    "taskiq, smart, max_retries": (smart, "taskiq", (1, 3)),
    "Procrastinate, max_attempts": (run_procrastinate, "procrastinate", (2, 4)),
}
print(f"Python {sys.version.split()[0]}; the runs of a job that always fails, for 1 and for 3:")
changed = False
for name, (run, package, expected) in CASES.items():
    seen = []
    for times in (1, 3):
        runs.clear()
        run(times)
        seen.append(len(runs))
    print(f"  {name:30}{package + ' ' + version(package):22}{seen[0]:4}{seen[1]:4}")
    changed |= tuple(seen) != expected
if changed:
    sys.exit("The behaviour has changed.")
PY

cd "$work"
timeout 120 "$work/venv/bin/python" -W ignore observe.py
