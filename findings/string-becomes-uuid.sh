#!/usr/bin/env bash
# A reference in a payload is a text, and for new records a UUID: `reference: str | UUID`. A good engineer
# guesses that a JSON string is a str already, so it stays one: pydantic tries the members of a union
# "strictly" first, `str` comes first here, and of `str | datetime`, `str | date`, `str | Decimal` or
# `str | HttpUrl` the string is kept as it is. And model_validate_json(body) and
# model_validate(json.loads(body)) are two ways to the same model.
#
# What really happens: model_validate_json makes a UUID of every text that can be one, whatever the order
# in the union. That is any 32 hexadecimal digits, such as an MD5 digest or the id of a trace. The text
# gets dashes and lower-case letters, and is dumped so: it is no longer what the sender sent.
# model_validate keeps the str, so the same payload is two models that are not equal. (UUID | str and its
# two ways are in issue 7097, open since 2023.)
#
# Why a webhook receiver cares: the web process often validates parsed data (FastAPI's own body does) and
# the worker the raw body. One of them stores and compares "d41d8cd98f00b204e9800998ecf8427e", and the
# other d41d8cd9-8f00-b204-e980-0998ecf8427e: the lookup finds nothing, an idempotency key made of it is
# another one, and the answer sent to the API of the sender names a record that it does not have. Ids like
# cus_123 stay as they are, so the tests pass.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  pydantic==2.14.4 fastapi==0.165.0 httpx2==2.16.2

cat >"$work/observe.py" <<'PY'
import json
import sys
from datetime import date, datetime
from decimal import Decimal
from importlib.metadata import version
from uuid import UUID

from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, HttpUrl, TypeAdapter


class Event(BaseModel):
    reference: str | UUID


app = FastAPI()


@app.post("/")
def receive(event: Event):
    return {"reference": event.reference}


EXPECTED = {  # What was sent: what model_validate_json makes of it.
    "cus_123": "cus_123",
    "d41d8cd98f00b204e9800998ecf8427e": UUID("d41d8cd98f00b204e9800998ecf8427e"),
    "4BF92F3577B34DA6A3CE929D0E0E4736": UUID("4bf92f3577b34da6a3ce929d0e0e4736"),
}
OTHERS = [
    (str | datetime, "2026-11-29T14:30:00Z"),
    (str | date, "2026-11-29"),
    (str | Decimal, "10.50"),
    (str | HttpUrl, "https://Example.com"),
]
client = TestClient(app)
print(f"pydantic {version('pydantic')}, fastapi {version('fastapi')}, reference: str | UUID")
changed = False
for sent, expected in EXPECTED.items():
    body = json.dumps({"reference": sent})
    direct = Event.model_validate_json(body)
    detour = Event.model_validate(json.loads(body))
    answer = client.post("/", content=body, headers={"Content-Type": "application/json"}).json()
    print(f"sent                 {sent!r}")
    print(f"  model_validate_json  {direct.reference!r}, dumped as {direct.model_dump_json()}")
    print(f"  model_validate       {detour.reference!r}; FastAPI: {answer['reference']!r}")
    changed |= direct.reference != expected or {detour.reference, answer["reference"]} != {sent}
for union, sent in OTHERS:
    kept = TypeAdapter(union).validate_json(json.dumps(sent))
    changed |= kept != sent or not isinstance(kept, str)
print("str | datetime, str | date, str | Decimal, str | HttpUrl keep their text:", not changed)
if changed:
    sys.exit("The behaviour has changed.")
PY

cd "$work"
timeout 60 "$work/venv/bin/python" -W ignore observe.py
