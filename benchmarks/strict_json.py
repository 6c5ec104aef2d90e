"""Strict JSON compared with the decoder that judges what the fast parser refuses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial

from benchmarks.deliveries import envelope_of
from benchmarks.measure import Row, against, paired
from florentin_webhooks.protocol.json_judge import judge
from florentin_webhooks.protocol.strict_json import loads

__all__ = ["rows"]

LINES = {
    "0.3 KB": (2, "<= 0.9"),
    "20 KB": (190, "<= 0.35"),
    "20 KB, prices with a point": (170, "<= 0.35"),
}


def rows(*, quick: bool) -> Iterator[Row]:
    """Read invoices of several sizes with both, by CPU time."""
    for name, (lines, aim) in LINES.items():
        body = _invoice(lines, has_prices="prices" in name)
        assert repr(loads(body)) == repr(judge(body))
        runs = {"ours": partial(loads, body), "judge": partial(judge, body)}
        times = paired(runs, 5 if quick else 81, time.thread_time)
        ratios = against(times["ours"], times["judge"])
        yield Row(f"strict JSON, {name}", "the same rules on json.loads", ratios, aim)


def _invoice(lines: int, *, has_prices: bool) -> bytes:
    found = [
        {
            "id": f"li_{number:012}",
            "description": "Seats of the plan",
            "quantity": number,
            "amount_due": number * 1999,
        }
        | ({"price": number + 0.5} if has_prices else {})
        for number in range(lines)
    ]
    return json.dumps(envelope_of({"id": "inv_42", "lines": found})).encode()
