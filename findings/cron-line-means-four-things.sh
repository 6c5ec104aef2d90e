#!/usr/bin/env bash
# `0 9 1-7 * 1`: day of the month 1 to 7, and day of the week 1. A good engineer guesses that all
# schedulers which take a cron line agree about it, and hopes for "the first Monday".
#
# What really happens in December 2026, whose Mondays are 7, 14, 21 and 28:
#   RQ 3, CronSim     either day field is enough, as in cron: each Monday and the days 1 to 7
#   Celery, Huey      both must match: Monday the 7th
#   APScheduler       both must match and weekday 0 is Monday, so 1 is Tuesday: the 1st
# And a day of `*/10` begins with a star, so cron, and CronSim, now want both fields to match. To
# croniter, which RQ asks, it is not a star: `0 9 */10 * 1-5` is 4 days for cron and 23 for RQ.
#
# Why a webhook receiver cares: its clean-ups, reconciliations and reports are copied, line by
# line, from crontab to a queue and from one queue to the next. A monthly job then runs ten times
# a month, or on another day, and nothing fails.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  rq==3.0.0 redis==8.1.0 croniter==7.0.0 celery==5.7.0 huey==3.5.4 apscheduler==3.11.3 \
  cronsim==2.8

TZ=UTC timeout 60 "$work/venv/bin/python" - <<'PY'
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from itertools import takewhile

import huey
from apscheduler.triggers.cron import CronTrigger
from celery.schedules import crontab
from cronsim import CronSim
from rq.cron import CronJob

START = datetime(2026, 11, 30, 12, tzinfo=UTC)
MORNINGS = [datetime(2026, 12, day, 9, tzinfo=UTC) for day in range(1, 32)]


def sweep():
    """Do nothing; the job of this test is never run."""


def rq_runs(line):
    job, moment = CronJob("default", func=sweep, cron=line), START
    while True:
        job.set_enqueue_time(moment)
        moment = job.next_enqueue_time
        yield moment


def apscheduler_runs(line):
    trigger, moment = CronTrigger.from_crontab(line, timezone=UTC), START
    while True:
        moment = trigger.get_next_fire_time(None, moment + timedelta(seconds=1))
        yield moment


def cronsim_runs(line):
    return CronSim(line, START)


def huey_runs(line):
    minute, hour, day, month, weekday = line.split()
    matches = huey.crontab(minute, hour, day, month, weekday)
    return (moment for moment in MORNINGS if matches(moment))


def celery_runs(line):
    schedule, moment = crontab.from_string(line), START
    while True:
        last, step, _ = schedule.remaining_delta(moment)
        moment = last + step
        yield moment


def days(runs, line):
    december = takewhile(lambda run: (run.year, run.month) == (2026, 12), runs(line))
    return [run.day for run in december]


FIRST_WEEK, EITHER = [*range(1, 8)], [*range(1, 8), 14, 21, 28]
WEEKDAYS = [moment.day for moment in MORNINGS if moment.isoweekday() <= 5]
EXPECTED = {
    "0 9 1-7 * 1": {
        "rq": EITHER, "cronsim": EITHER, "celery": [7], "huey": [7], "apscheduler": [1],
    },
    "0 9 */10 * 1-5": {
        "rq": WEEKDAYS, "cronsim": [1, 11, 21, 31], "celery": [1, 11, 21, 31],
        "huey": [1, 11, 21, 31], "apscheduler": [1, 11, 31],
    },
}
RUNS = {
    "rq": rq_runs, "cronsim": cronsim_runs, "celery": celery_runs, "huey": huey_runs,
    "apscheduler": apscheduler_runs,
}
changed = False
for line, expected in EXPECTED.items():
    print(f"{line}   in December 2026, on the days")
    for name, runs in RUNS.items():
        seen = days(runs, line)
        print(f"  {name + ' ' + version(name):20}{' '.join(map(str, seen))}")
        changed |= seen != expected[name]
if changed:
    sys.exit("The behaviour has changed.")
PY
