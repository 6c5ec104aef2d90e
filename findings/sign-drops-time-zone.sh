#!/usr/bin/env bash
# The Python packages of Standard Webhooks and of Svix sign with `sign(msg_id, timestamp, data)`,
# and the timestamp is a datetime. A good engineer guesses that an aware datetime means its
# instant: 14:00 at +02:00 and 12:00 in UTC are one moment, so they give one signature.
#
# What really happens: `sign` replaces the zone with UTC instead of converting to it, so it signs
# 14:00 in UTC. The package's own `verify` then finds no matching signature. A naive local
# time is taken for UTC as well. The fault is known upstream and not mended in these releases.
#
# Why a webhook receiver cares: `sign` is what tests and replay tools call to make a genuine
# delivery. On a laptop or in a CI that runs in UTC all is green; elsewhere, or with a time read
# from a database with a zone, the receiver seems to refuse good signatures. Pass UTC only.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  standardwebhooks==1.1.0 svix==2.9.1

timeout 60 "$work/venv/bin/python" - <<'PY'
import sys
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version

import standardwebhooks
import svix.webhooks

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"  # Made for this script.
BODY = '{"type": "invoice.paid"}'
PACKAGES = {"standardwebhooks": standardwebhooks.Webhook, "svix": svix.webhooks.Webhook}
ZONES = {
    "UTC": UTC,
    "+02:00": timezone(timedelta(hours=2)),
    "-05:00": timezone(timedelta(hours=-5)),
}
REFUSED = "WebhookVerificationError: No matching signature found"
EXPECTED = {"UTC": "verified", "+02:00": REFUSED, "-05:00": REFUSED}


def verdict(webhook, moment):
    """Return what the package's verify says to what its sign made for *moment*."""
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": webhook.sign("msg_1", moment, BODY),
    }
    try:
        webhook.verify(BODY, headers)
    except standardwebhooks.WebhookVerificationError as error:
        return f"{type(error).__name__}: {error}"
    return "verified"


now = datetime.now(UTC).replace(microsecond=0)
seen = {}
for name, webhook_class in PACKAGES.items():
    print(name, version(name))
    webhook = webhook_class(SECRET)
    seen[name] = {zone: verdict(webhook, now.astimezone(tz)) for zone, tz in ZONES.items()}
    for zone, answer in seen[name].items():
        print(f"  the same instant in {zone:7} {answer}")
if any(answers != EXPECTED for answers in seen.values()):
    sys.exit("The behaviour has changed.")
PY
