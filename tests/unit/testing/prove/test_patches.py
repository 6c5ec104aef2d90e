"""Functions that are effects: found by their path, counted, and not called by default."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.testing.effects import effect
from florentin_webhooks.testing.prove.patches import find_effect

PROGRAM = """
import asyncio, billing
from billing import Client, charge, notify
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.testing.effects import observe_effects
from florentin_webhooks.testing.prove.patches import find_effect, track_keys

track_keys()
for name in ("charge", "Client.send", "notify"):
    find_effect(f"billing:{name}").patch()
find_effect("billing:record", call=True).patch()
observe_effects(lambda name, key: print(name, bool(key)))
delivery = Delivery("ab", "x", None, None, "", None, b"")
charge(1).receipt.number
billing.charge(1, headers=[{"Idempotency-Key": f"v1-{delivery.idempotency_key('charge')}"}])
Client().send("hello")
asyncio.run(notify())
print(billing.record())
"""
BILLING = """
def charge(amount, **options): raise OSError
async def notify(): raise OSError
def record(): return "called"
class Client:
    def send(self, text): raise OSError
"""


def test_every_reference_to_a_named_function_is_counted(tmp_path: Path) -> None:
    (tmp_path / "billing.py").write_text(BILLING)
    printed = subprocess.check_output([sys.executable, "-c", PROGRAM], cwd=tmp_path, text=True)
    assert printed.splitlines() == [
        "charge False",
        "charge True",
        "Client.send False",
        "notify False",
        "record False",
        "called",
    ]


def test_path_without_a_function_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="There is no function json:dumb"):
        find_effect("json:dumb")


def test_mark_of_an_effect_does_nothing_elsewhere() -> None:
    effect("mail", key=1)
