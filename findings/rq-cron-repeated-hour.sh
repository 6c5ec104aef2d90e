#!/usr/bin/env bash
# RQ 3 schedules by cron expressions, and it computes them with croniter. A good engineer guesses
# that a job of every 15 minutes runs every 15 minutes, as it does under cron itself, and that RQ
# and croniter agree.
#
# What really happens: RQ gives croniter the local time without its zone, takes each answer for
# the first of the two hours that autumn has twice, and drops what then lies in the past. So in a
# zone with summer time the job pauses for the repeated hour: 75 minutes without a run, and an
# hourly job pauses for two hours. croniter itself, given the zone, runs through both hours, and
# so do APScheduler and CronSim. In spring nothing is lost. A zone of UTC avoids it.
#
# Why a webhook receiver cares: what repairs lost or stuck deliveries (a sweep, a poll of the
# sender's event list) is such a job. Once a year it is off for an hour, longer than the whole
# retry schedule of some senders, and every watchdog that waits for its next run raises an alarm.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  rq==3.0.0 croniter==7.0.0 apscheduler==3.11.3 cronsim==2.8 redis==8.1.0 tzdata==2026.1

# The first zone is the C library's, spelled as a rule; the second is Python's, from tzdata.
TZ=EST5EDT,M3.2.0,M11.1.0 PYTHONTZPATH= timeout 60 "$work/venv/bin/python" - <<'PY'
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from itertools import islice
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim
from rq.cron import CronJob

ZONE = ZoneInfo("America/New_York")  # On 1 November 2026, 01:00 to 02:00 comes twice.


def sweep():
    """Do nothing; the job of this test is never run."""


def rq_runs(expression, start):
    job = CronJob("default", func=sweep, cron=expression)
    while True:
        job.set_enqueue_time(start)
        start = job.next_enqueue_time
        yield start


def croniter_runs(expression, start):
    runs = croniter(expression, start.astimezone(ZONE))
    while True:
        yield runs.get_next(datetime)


def apscheduler_runs(expression, start):
    trigger = CronTrigger.from_crontab(expression, timezone=ZONE)
    while True:
        start = trigger.get_next_fire_time(None, start + timedelta(seconds=1))
        yield start


def cronsim_runs(expression, start):
    return CronSim(expression, start.astimezone(ZONE))


def longest_gap(runs, expression, start):
    """Return the longest pause in minutes within six hours after *start*."""
    times = [start]
    for run in islice(runs(expression, start), 24):
        times.append(run.astimezone(UTC))
    times = [time for time in times if time <= start + timedelta(hours=6)]
    return max((b - a) // timedelta(minutes=1) for a, b in zip(times, times[1:]))


SCHEDULERS = {
    "rq": rq_runs,
    "croniter": croniter_runs,
    "apscheduler": apscheduler_runs,
    "cronsim": cronsim_runs,
}
AUTUMN, SPRING = datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2027, 3, 14, 5, tzinfo=UTC)
EXPECTED = {name: [15, 60, 15] for name in SCHEDULERS} | {"rq": [75, 120, 15]}

print("The longest pause in minutes, New York:")
print(f"{'':22}{'*/15, autumn':>14}{'hourly, autumn':>16}{'*/15, spring':>14}")
seen = {}
for name, runs in SCHEDULERS.items():
    seen[name] = gaps = [
        longest_gap(runs, "*/15 * * * *", AUTUMN),
        longest_gap(runs, "0 * * * *", AUTUMN),
        longest_gap(runs, "*/15 * * * *", SPRING),
    ]
    print(f"{name + ' ' + version(name):22}{gaps[0]:14}{gaps[1]:16}{gaps[2]:14}")
print("\nThe runs of */15 under rq:")
for run in islice(rq_runs("*/15 * * * *", AUTUMN + timedelta(hours=1)), 6):
    print("  ", run.astimezone(ZONE).strftime("%H:%M %Z"))
if seen != EXPECTED:
    sys.exit("The behaviour has changed.")
PY
