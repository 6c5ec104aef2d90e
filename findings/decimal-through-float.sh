#!/usr/bin/env bash
# An amount in a payload is a JSON number, so the model declares `Decimal`, and the body goes
# straight to pydantic's `model_validate_json`. A good engineer guesses that the digits of the
# body become the digits of the Decimal: that is what the type is for, and the parser has the text.
#
# What really happens: a number with a point becomes a 64-bit float first and a Decimal then.
# More than 16 or 17 digits are lost without an error, and 10.50 becomes 10.5. Whole numbers and
# strings keep every digit. msgspec reads the same bytes exactly; with pydantic it takes
# `json.loads(body, parse_float=Decimal)` before `model_validate`. (Reported upstream, still open.)
#
# Why a webhook receiver cares: token amounts have 18 decimals (one wei is 0.000000000000000001),
# exchange rates and large balances as many digits in all. The signature proves the bytes, and
# the event that the handler books is another number. FastAPI's body parameters lose them, too.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  pydantic==2.14.4 msgspec==0.22.0

timeout 60 "$work/venv/bin/python" - <<'PY'
import json, sys
from decimal import Decimal
from importlib.metadata import version

import msgspec
from pydantic import BaseModel


class Payment(BaseModel):
    amount: Decimal


class ExactPayment(msgspec.Struct):
    amount: Decimal


EXPECTED = {  # What the body says: what pydantic's Decimal says.
    "1.000000000000000001": "1",
    "12345678901234567.89": "12345678901234568",
    "0.29999999999999998": "0.3",
    "10.50": "10.5",
    "19.99": "19.99",
    "123456789012345678901234567890": "123456789012345678901234567890",
    '"1.000000000000000001"': "1.000000000000000001",
}
print(f"pydantic {version('pydantic')}, msgspec {version('msgspec')}")
print(f"{'in the body':32}{'model_validate_json':32}parse_float=Decimal and msgspec")
changed = False
for spelling, expected in EXPECTED.items():
    body = f'{{"amount": {spelling}}}'
    direct = str(Payment.model_validate_json(body).amount)
    detour = str(Payment.model_validate(json.loads(body, parse_float=Decimal)).amount)
    exact = str(msgspec.json.decode(body, type=ExactPayment).amount)
    print(f"{spelling:32}{direct:32}{detour}")
    changed |= direct != expected or {detour, exact} != {spelling.strip('"')}
if changed:
    sys.exit("The behaviour has changed.")
PY
