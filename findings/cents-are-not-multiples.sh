#!/usr/bin/env bash
# A schema says that an amount has two decimals: {"type": "number", "multipleOf": 0.01}, as in JSON Schema's
# own reference, or Meta(multiple_of=0.01) in msgspec. A good engineer has read that floats are inexact, and
# guesses that validators know it too, or that some rare amount is refused.
#
# What really happens with the 100,000 amounts from 0.00 to 999.99:
#                        refused    examples
#   msgspec              99,982     all but 0.00, 0.01, 0.02, 0.04, 0.08, 0.16 ... 655.36
#   jsonschema           11,426     0.07, 8.95, 9.95, 17.99, 19.99
#   fastjsonschema, jsonschema-rs, pydantic    none
# jsonschema divides two floats (issues 810 and 1234, among others; its maintainers advise Decimal). With
# Decimal for the payload alone it raises TypeError; the schema has to be read with Decimal as well, and
# then no amount is refused. msgspec wants a remainder of exactly zero, which leaves what doubling makes of
# 0.01. (A note on its page says that valid values "may" be refused; Decimal is exact there, too.)
#
# Why a webhook receiver cares: an amount of 19.99 is a genuine, signed delivery that is refused, in each of
# its retries, while the example of 10.50 in the tests is not. Which amounts are lost depends on the
# library: the same schema passes in the gateway (Rust) and fails in the worker (Python). msgspec fails
# at once, unless the test's amount is 0.01. Have whole cents, or multipleOf for a Decimal.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  fastjsonschema==2.22.3 jsonschema==4.26.0 jsonschema-rs==0.61.2 msgspec==0.23.0 pydantic==2.14.4

cat >"$work/observe.py" <<'PY'
import json
import sys
from decimal import Decimal
from importlib.metadata import version
from typing import Annotated

import fastjsonschema
import jsonschema
import jsonschema_rs
import msgspec
import pydantic

SCHEMA = '{"type": "number", "multipleOf": 0.01}'
AMOUNTS = [f"{cents // 100}.{cents % 100:02d}" for cents in range(100_000)]
JSONSCHEMA = jsonschema.Draft202012Validator(json.loads(SCHEMA))
EXACT_JSONSCHEMA = jsonschema.Draft202012Validator(json.loads(SCHEMA, parse_float=Decimal))
FAST = fastjsonschema.compile(json.loads(SCHEMA))
RUST = jsonschema_rs.validator_for(json.loads(SCHEMA))
PYDANTIC = pydantic.TypeAdapter(Annotated[float, pydantic.Field(multiple_of=0.01)])
MSGSPEC = msgspec.json.Decoder(Annotated[float, msgspec.Meta(multiple_of=0.01)])


def has_passed(check, error):
    try:
        check()
    except error:
        return False
    return True


VALIDATORS = {  # The package: whether an amount is valid, and how many are refused.
    "msgspec": (lambda a: has_passed(lambda: MSGSPEC.decode(a), msgspec.ValidationError), 99_982),
    "jsonschema": (lambda a: JSONSCHEMA.is_valid(json.loads(a)), 11_426),
    "fastjsonschema": (
        lambda a: has_passed(lambda: FAST(json.loads(a)), fastjsonschema.JsonSchemaException),
        0,
    ),
    "jsonschema-rs": (lambda a: RUST.is_valid(json.loads(a)), 0),
    "pydantic": (
        lambda a: has_passed(lambda: PYDANTIC.validate_json(a), pydantic.ValidationError),
        0,
    ),
}
print(f"Python {sys.version.split()[0]}; of {len(AMOUNTS)} amounts from {AMOUNTS[0]} to {AMOUNTS[-1]}:")
changed = False
for package, (is_valid, expected) in VALIDATORS.items():
    refused = [amount for amount in AMOUNTS if not is_valid(amount)]
    examples = ", ".join(refused[:3] + [each for each in refused if each in ("8.95", "19.99")])
    print(f"  {package + ' ' + version(package):24}{len(refused):7} refused: {examples}")
    changed |= len(refused) != expected
    if package == "msgspec":
        accepted = sorted(set(AMOUNTS) - set(refused), key=Decimal)
        print(f"    accepted: {', '.join(accepted)}")
        changed |= accepted != ["0.00", *(str(Decimal(2**n) / 100) for n in range(17))]
exact = sum(not EXACT_JSONSCHEMA.is_valid(Decimal(amount)) for amount in AMOUNTS)
half = has_passed(lambda: JSONSCHEMA.is_valid(Decimal("19.99")), TypeError)
print(f"  jsonschema, Decimal for schema and payload: {exact} refused; for the payload alone: ", end="")
print("no error" if half else "TypeError")
if changed or exact or half:
    sys.exit("The behaviour has changed.")
PY

cd "$work"
timeout 120 "$work/venv/bin/python" observe.py
