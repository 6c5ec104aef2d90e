"""A soak: a local Florentin with every fault at once, and a Redis that is killed twice."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

import pytest

from florentin_webhooks import Receiver, RedisStore, RQQueue
from florentin_webhooks.cli.reconciliation.comparison import Comparison, Verdict
from florentin_webhooks.cli.reconciliation.sender_log import read_log
from florentin_webhooks.core.stores.base import State as RecordState
from florentin_webhooks.core.stores.queries import ListRecords, Status
from florentin_webhooks.events import Event
from florentin_webhooks.simulator import Simulator
from florentin_webhooks.simulator.traffic import Load
from florentin_webhooks.simulator.webhooks.entries import State
from florentin_webhooks.simulator.webhooks.faults import Faults, parse_faults
from florentin_webhooks.simulator.webhooks.log import to_csv, to_json
from tests.faults.oracle import Note
from tests.faults.program import QUEUE, SECRET
from tests.faults.stage import Stage


class Soak:
    """A simulator that sends to *stage*, and what came of it."""

    def __init__(self, stage: Stage, faults: Faults, speed: float) -> None:
        self.stage = stage
        self.simulator = Simulator(speed=speed, timeout=5, faults=faults)
        url = stage.url.replace("/webhooks/florentin", "/webhooks/simulated")
        self.simulator.add_endpoint(url, SECRET)

    def run(self, events: int, rate: float) -> None:
        """Make *events* changes, kill Redis after a third and after two thirds of them."""
        load = self.simulator.generate(rate, events)
        for made in (events // 3, 2 * events // 3):
            self._wait(partial(_has_made, load, made), events / rate)
            with self.stage.gone():
                time.sleep(0.5)
        load.join()
        self.finish()

    def finish(self) -> None:
        """Wait until the sender has given up on, or delivered, each delivery, and all is done."""
        self._wait(lambda: self._count(State.PENDING) == 0, 60)
        self.stage.settle()
        self._wait(lambda: not self._running(), 10)  # Until the lease of a lost run has expired.

    def replay(self, keys: Iterable[str]) -> None:
        """Send deliveries again, as a person does from the sender's log, without faults."""
        self.simulator.faults = Faults()
        assert all(self.simulator.replay(key) for key in keys)
        self.finish()

    def reconcile(self, suffix: str) -> dict[str, Verdict]:
        """Export the log, and return the verdict on each delivery."""
        path = self.stage.folder / f"deliveries.{suffix}"
        write = to_json if suffix == "json" else to_csv
        path.write_text(write(self.simulator.deliveries()))
        with closing(_reader(self.stage.server.url)) as hooks:
            records = hooks.store.execute(ListRecords(100_000, bodies=False)).records
            found = Comparison(hooks, records).compare(read_log(path))
            return {each.entry.id: each.verdict for each in found}

    def handlers(self) -> dict[str, list[str]]:
        """Return the handlers of each delivery, one for each key under which it had its effect."""
        found: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for note in self._effects():
            found[note.business].add((note.handler, note.fingerprint))
        return {key: sorted(name for name, _ in pairs) for key, pairs in found.items()}

    def expected(self) -> dict[str, list[str]]:
        """Return the handlers of each delivery that was sent."""
        return {
            each.id: ["file", "watch"] if each.event.startswith("subscription.") else ["file"]
            for each in self.simulator.deliveries()
        }

    def figures(self) -> dict[str, object]:
        """Return what was sent, with which faults and answers."""
        deliveries = self.simulator.deliveries()
        attempts = [attempt for each in deliveries for attempt in each.attempts]
        return {
            "deliveries": len(deliveries),
            "events": len({each.event for each in deliveries}),
            "attempts": len(attempts),
            "faults": Counter(each.fault for each in attempts if each.fault),
            "statuses": Counter(str(each.result.status) for each in attempts),
            "effects": len(effects := self._effects()),
            "of_another_run": len(effects) - len({(e.handler, e.fingerprint) for e in effects}),
        }

    def _effects(self) -> list[Note]:
        return [note for note in self.stage.oracle.notes() if note.what == "effect"]

    def _count(self, state: State) -> int:
        with self.simulator.log() as log:
            return log.counts()[state]

    def _running(self) -> bool:
        with closing(_reader(self.stage.server.url)) as hooks:
            found = hooks.store.execute(ListRecords(1000, (RecordState.RUNNING,))).records
        now = datetime.now(UTC)
        return any(record.status(now) is Status.RUNNING for record in found)

    def _wait(self, condition: Callable[[], object], seconds: float) -> None:
        self.stage.wait(condition, seconds=2 * seconds + 30)


def _has_made(load: Load, number: int) -> bool:
    return load.made >= number


def _reader(url: str) -> Receiver[object]:
    """Return a receiver with the store of the one that is soaked, to look at its records."""
    hooks = Receiver(SECRET, name="simulated", store=RedisStore(url), queue=RQQueue(QUEUE))
    hooks.on(Event)(reader)
    return hooks


def reader(_: Event) -> None:
    """Run never: the workers have handlers of their own."""


@pytest.mark.parametrize(
    ("events", "share", "speed"),
    [
        pytest.param(60, 0.1, 400, id="short"),
        pytest.param(30_000, 0.05, 60, id="ten minutes", marks=pytest.mark.long),
    ],
)
def test_log_of_the_sender_and_the_effects_agree(
    events: int,
    share: float,
    speed: float,
    stage: Stage,
    seed: int,
    record_property: Callable[[str, object], None],
) -> None:
    soak = Soak(stage, parse_faults((f"all={share}",), seed), speed)
    with soak.simulator:
        soak.run(events, rate=50)
        handled, expected = soak.handlers(), soak.expected()
        unhandled = {key for key, names in expected.items() if handled.get(key) != names}
        verdicts = soak.reconcile("csv")
        wanting = {key for key, verdict in verdicts.items() if verdict.needs_action}
        assert wanting == unhandled, "what must be replayed is what is not handled"
        soak.replay(wanting)
        after = {*soak.reconcile("json").values()}
        facts = {**soak.figures(), "seed": seed, "verdicts": Counter(verdicts.values())}
        record_property("figures", json.dumps(facts))
    assert after <= {Verdict.AGREED, Verdict.ANSWER_LOST}
    assert soak.handlers() == expected, "nothing is lost, nothing came twice, nothing else ran"
