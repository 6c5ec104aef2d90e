#!/usr/bin/env bash
# The receiver gives each event an id of UUID version 7: its first 48 bits are the milliseconds since 1970,
# so ids sort by time, across processes too, and the time can be read from them. A good engineer guesses
# that any package with a `uuid7()` does this, and that the time in an id is that of its making.
#
# What really happens:
#   uuid6.uuid7()    each id is at least one millisecond later than the one before it in its process. A
#                    burst of 50,000 ids, made in a fraction of a second, ends 50 seconds in the future,
#                    and the ids stay ahead until the clock has caught up. (Its issue 198, closed.)
#   uuid7 (PyPI)     follows an old draft that counts otherwise: read as the RFC says, by any other tool,
#                    its ids are of the year 2203 (its issue 1, open). `version` says 7 in both.
# uuid_utils.uuid7() counts within the millisecond, as the RFC describes, and stays at the clock.
#
# Why a webhook receiver cares: after a backfill in one process, the events that all others receive in the
# next minute sort before it, so "the newest wins" keeps an older state, a reader that asks for ids after
# its last one never sees them, and rows are kept or deleted by a time that was not. A table that was
# filled by the package uuid7 sorts after everything that any other library adds to it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  uuid6==2025.0.1 uuid7==0.1.0 uuid-utils==1.2.0

cat >"$work/one_id.py" <<'PY'
import importlib
import sys

print(importlib.import_module(sys.argv[1]).uuid7())
PY

cat >"$work/observe.py" <<'PY'
import subprocess
import sys
import time
import uuid
from importlib import import_module
from importlib.metadata import version

BURST = 50_000
PACKAGES = {"uuid6": "uuid6", "uuid7": "uuid_extensions", "uuid-utils": "uuid_utils"}


def seconds(text):
    """Return the Unix time in an id of version 7, as RFC 9562 has it."""
    identifier = uuid.UUID(text)
    assert identifier.version == 7
    return (identifier.int >> 80) / 1000


def observe(module):
    """Return how far the last id of a burst is ahead of the clock, and whether a later one follows it."""
    make = import_module(module).uuid7
    for _ in range(BURST):
        last = str(make())
    ahead = seconds(last) - time.time()
    another_process = [sys.executable, "one_id.py", module]
    later = subprocess.run(another_process, capture_output=True, check=True, text=True).stdout
    return ahead, last < later.strip()


seen = {}
print(f"Python {sys.version.split()[0]}; {BURST} ids, and then one of another process:")
for package, module in PACKAGES.items():
    ahead, is_sorted = observe(module)
    place = "after" if is_sorted else "BEFORE"
    print(f"  {package} {version(package):10}{ahead:>17.1f} s ahead; a later id sorts {place} the last")
    years = ahead / (365.25 * 86400)
    seen[package] = is_sorted, "centuries" if years > 100 else "seconds" if ahead > 5 else "none"
if seen != {"uuid6": (False, "seconds"), "uuid7": (True, "centuries"), "uuid-utils": (True, "none")}:
    sys.exit("The behaviour has changed.")
PY

cd "$work"
timeout 60 "$work/venv/bin/python" observe.py
