#!/usr/bin/env bash
# A CloudEvent may have a `time`; the attribute is optional. A good engineer guesses that an event which
# came without one has none after parsing: get_time() is typed as optional, and a receiver that needs a
# time can see that there is none.
#
# What really happens: `from_http_event` of CloudEvents' own SDK puts the time of the parsing there. Each
# time the same bytes are parsed, the event has another time, it is always fresh, and passing it on writes
# that time into the message, as if its source had stated it. The older interface of the same package
# (cloudevents.v1) does it, too; Azure's CloudEvent.from_dict leaves it out. (For events that one creates,
# the default is documented; in the JavaScript SDK the same was reported as a surprise, its issue 386.)
#
# Why a webhook receiver cares: "not older than five minutes" holds for every replay of such an event;
# "the latest state wins" becomes "the latest arrival wins", so a retry of an old event overwrites a newer
# one; a fingerprint over the parsed event differs for each retry. Look for `time` in what was received.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  cloudevents==2.2.0 azure-core==1.41.0

timeout 60 "$work/venv/bin/python" -W ignore - <<'PY'
import json, sys, time
from datetime import UTC, datetime
from importlib.metadata import version

from azure.core.messaging import CloudEvent as AzureEvent
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_structured_event
from cloudevents.v1.http import from_http as from_http_v1

NAMES = {"specversion": "1.0", "id": "7", "type": "invoice.paid", "source": "/shop"}
EVENT = {**NAMES, "data": {"amount": 4900}}
STRUCTURED = {"content-type": "application/cloudevents+json"}, json.dumps(EVENT).encode()
BINARY = (
    {"content-type": "application/json", **{f"ce-{name}": text for name, text in NAMES.items()}},
    json.dumps(EVENT["data"]).encode(),
)


def of_core(message):
    return from_http_event(HTTPMessage(*message)).get_time()


def of_v1(message):
    found = from_http_v1(*message)["time"]
    return datetime.fromisoformat(found) if found else None


def forwarded(message):
    """Return the time in what is passed on."""
    written = to_structured_event(from_http_event(HTTPMessage(*message)))
    found = json.loads(written.body).get("time")
    return datetime.fromisoformat(found) if found else None


WAYS = {
    "from_http_event, binary": lambda: of_core(BINARY),
    "from_http_event, structured": lambda: of_core(STRUCTURED),
    "... and passed on": lambda: forwarded(STRUCTURED),
    "v1.http.from_http, binary": lambda: of_v1(BINARY),
    "v1.http.from_http, structured": lambda: of_v1(STRUCTURED),
    "azure.core, from_dict": lambda: AzureEvent.from_dict(EVENT).time,
}


def observe(way):
    """Return the time of an event without one, and whether it is that of the parsing, twice."""
    start = datetime.now(UTC)
    first = way()
    time.sleep(0.01)
    second = way()
    if first is None and second is None:
        return "None"
    is_now = start <= first < second <= datetime.now(UTC)
    return "the time of the parsing, later each time" if is_now else f"{first}, {second}"


print(*(f"{name} {version(name)}" for name in ("cloudevents", "azure-core")))
seen = {name: observe(way) for name, way in WAYS.items()}
for name, found in seen.items():
    print(f"  {name:32}{found}")
if any(found.startswith("None") != name.startswith("azure") for name, found in seen.items()):
    sys.exit("The behaviour has changed.")
PY
