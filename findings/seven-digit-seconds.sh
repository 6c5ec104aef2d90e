#!/usr/bin/env bash
# Senders written in .NET print a time with seven digits of a second, those in Go or Java with up
# to nine. Python's datetime has six. A good engineer guesses that every parser cuts the rest off.
#
# What really happens: the standard library, pydantic, dateutil, pendulum, ciso8601 and Django
# cut; msgspec (which Litestar decodes with) and arrow round. 23:59:59.9999999, as .NET spells
# the end of a period (one tick before the next), is the last microsecond of the year for those and
# the first moment of the next year for these.
#
# Why a webhook receiver cares: the envelope is often read by one parser and the typed payload by
# another. Then one signed timestamp is two times: a subscription ends in December in one part
# of the program and in January in the other, and a check that both are equal fails.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  pydantic==2.14.4 msgspec==0.22.0 python-dateutil==2.9.0.post0 pendulum==3.3.0 arrow==1.4.0 \
  ciso8601==2.4.1 django==5.2.19

timeout 60 "$work/venv/bin/python" - <<'PY'
import platform, sys
from datetime import UTC, datetime
from importlib.metadata import version

import arrow, ciso8601, dateutil.parser, msgspec, pendulum
from django.utils.dateparse import parse_datetime
from pydantic import TypeAdapter

END = "2026-12-31T23:59:59.9999999Z"
CUT = datetime(2026, 12, 31, 23, 59, 59, 999999, UTC)
ROUNDED = datetime(2027, 1, 1, tzinfo=UTC)
PARSERS = {
    "python": (datetime.fromisoformat, CUT),
    "pydantic": (TypeAdapter(datetime).validate_python, CUT),
    "python-dateutil": (dateutil.parser.isoparse, CUT),
    "pendulum": (pendulum.parse, CUT),
    "ciso8601": (ciso8601.parse_datetime, CUT),
    "django": (parse_datetime, CUT),
    "msgspec": (lambda text: msgspec.convert(text, datetime), ROUNDED),
    "arrow": (lambda text: arrow.get(text).datetime, ROUNDED),
}
print(END)
changed = False
for name, (parse, expected) in PARSERS.items():
    release = platform.python_version() if name == "python" else version(name)
    print(f"  {name:16}{release:14}{parse(END).isoformat()}")
    changed |= parse(END) != expected
if changed:
    sys.exit("The behaviour has changed.")
PY
