#!/usr/bin/env bash
# Not all senders write ISO 8601 with dashes. Compact dates are ISO 8601 as well ("20261129"), older
# payment services send "20261129143000", and a sender in JavaScript that puts a Date into a string sends
# "Sun Nov 29 2026 14:30:00 GMT+0300". A good engineer guesses that a parser reads such a text rightly, or
# refuses it.
#
# What really happens: some read another time, without an error.
#   pydantic      a text of digits is a Unix time, so 20261129 is a day in August 1970, and the one with
#                 14 digits counts as milliseconds: the year 2612. fromisoformat and five other parsers
#                 read 20261129 as the date that it is. (Texts of digits are documented as Unix times.)
#   dateutil      takes GMT+0300 for three hours west, as POSIX does: six hours off. +0300 alone is east.
#                 Release 4.0.0 still does it (issue 1478, open)
#
# Why a webhook receiver cares: freshness, order and due dates depend on it. A date in 1970 is "overdue",
# one in 2612 is always newer than what is stored, so nothing ever replaces it, and six hours pass for a
# sender's odd clock. Ask for the form that the sender documents, by strptime or a pattern.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  pydantic==2.14.4 python-dateutil==4.0.0 pendulum==3.3.0 ciso8601==2.4.1 arrow==1.4.0 \
  django==5.2.19 msgspec==0.23.0 dateparser==1.5.0 tzdata==2026.1

TZ=UTC timeout 60 "$work/venv/bin/python" -W ignore - <<'PY'
import platform, sys
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version

import arrow, ciso8601, dateparser, dateutil.parser, msgspec, pendulum
from django.utils.dateparse import parse_datetime
from pydantic import BaseModel


class Event(BaseModel):
    at: datetime


PARSERS = {
    "python": datetime.fromisoformat,
    "pydantic": lambda text: Event.model_validate_json(f'{{"at": "{text}"}}').at,
    "msgspec": lambda text: msgspec.convert(text, datetime),
    "python-dateutil": dateutil.parser.parse,
    "dateparser": dateparser.parse,
    "pendulum": pendulum.parse,
    "ciso8601": ciso8601.parse_datetime,
    "arrow": arrow.get,
    "django": parse_datetime,
}
EAST, WEST = (timezone(timedelta(hours=hours)) for hours in (3, -3))
DAY = datetime(2026, 11, 29)
TEXTS = {  # Each text: what is right, and who reads something else.
    "20261129": (
        {DAY, DAY.replace(tzinfo=UTC)},
        {"pydantic": datetime(1970, 8, 23, 12, 5, 29, tzinfo=UTC)},
    ),
    "20261129143000": (
        {datetime(2026, 11, 29, 14, 30)},
        {"pydantic": datetime(2612, 1, 19, 19, 25, 43, tzinfo=UTC)},
    ),
    "Sun Nov 29 2026 14:30:00 GMT+0300": (
        {datetime(2026, 11, 29, 14, 30, tzinfo=EAST)},
        {"python-dateutil": datetime(2026, 11, 29, 14, 30, tzinfo=WEST)},
    ),
}


def parse(name, text):
    """Return the time as a plain datetime, or None where the text is refused."""
    try:
        moment = PARSERS[name](text)
    except (ValueError, OverflowError, msgspec.ValidationError):
        return None
    return moment and datetime.fromisoformat(moment.isoformat())


def label(name):
    return f"{name} {platform.python_version() if name == 'python' else version(name)}"


changed = False
for text, (right, expected) in TEXTS.items():
    seen = {name: parse(name, text) for name in PARSERS}
    wrong = {}
    for name, moment in seen.items():
        is_right = moment is not None and str(moment) in map(str, right)
        if moment is not None and not is_right:
            wrong[name] = moment
    print(text)
    readers = [label(name) for name, moment in seen.items() if moment and name not in wrong]
    print(f"  right:    {', '.join(readers) or 'none'}")
    print(f"  refused:  {', '.join(label(name) for name in seen if seen[name] is None)}")
    for name, moment in wrong.items():
        print(f"  {label(name)} reads {moment}")
    changed |= {name: str(moment) for name, moment in wrong.items()} != {
        name: str(moment) for name, moment in expected.items()
    }
if changed:
    sys.exit("The behaviour has changed.")
PY
