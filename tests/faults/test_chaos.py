"""Random kills: acknowledged deliveries are done, and done once."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from secrets import token_hex
from statistics import median
from typing import NamedTuple

import pytest

from florentin_webhooks.testing import Provider, SignedDelivery
from tests.faults.florentin import WAITS, Attempt, Florentin, Sending, Ways
from tests.faults.oracle import Note
from tests.faults.partners import Mail, Push
from tests.faults.program import UNGUARDED
from tests.faults.sessions import processes_of, session_of
from tests.faults.stage import Stage
from tests.support.waiting import eventually

pytestmark = pytest.mark.answers("RPL-09", "RQ-08", "RQ-11")

KINDS = ("web", "horse", "worker", "orphan", "server")
"""``worker``: with its work-horse and scheduler; ``orphan``: these two live on without it."""


class Storm(Florentin):
    """Three senders of many events at once, with retries, repetitions and forgeries."""

    def __init__(self, url: str, seed: int) -> None:
        super().__init__(url, seed)
        self.forged: list[Attempt] = []
        self.over = False
        self._stranger = Provider("a-secret-of-another-sender")

    def sending(self, event: str | None = None, *, gate: str | None = None) -> Sending:
        """Return the next one: half of them are Florentin's."""
        own = super().sending(event, gate=gate)
        kind, name = self._random.choice(
            [(Sending, own.event)] * 2 + [(Push, "push"), (Mail, "batch")]
        )
        if kind is Sending:
            return own
        self.sent[-1] = other = kind(name, Ways(True, True), own.business, own.work)
        return other

    def replay(self) -> list[Attempt]:
        """Send every acknowledged body again under a new id, as an attacker can."""
        taken = [(s, a.made) for s in self.sent for a in s.attempts if a.acknowledged]
        bodies = {made.body: (sending, made) for sending, made in taken}
        again = []
        for sending, made in bodies.values():
            if type(sending) is not Sending:
                again.append(self._answered(made, sending.path))
                continue
            event = sending.event
            fresh = self._provider.sign(event, made.body, delivery_id=f"replay-{token_hex(8)}")
            again.append(
                self._answered(SignedDelivery({**fresh.headers, **_signature(made)}, made.body))
            )
        return again

    def _answered(self, made: SignedDelivery, path: str = "/webhooks/florentin") -> Attempt:
        """Send the same until the answer is not that the server is busy."""
        attempts = list[Attempt]()

        def is_answered() -> bool:
            attempts.append(self.post(made, path))
            return attempts[-1].status not in (0, 503)

        eventually(is_answered)
        return attempts[-1]

    def run(self, count: int, *, rate: float, forge: float = 0.25, twice: float = 0.3) -> None:
        """Send *count* events, *rate* a second, and retry each until it is taken or given up.

        *forge* is the share of forged requests, *twice* the share of attempts that are sent twice.
        """
        with ThreadPoolExecutor(64) as threads:
            asyncio.run(self._run(threads, count, rate, forge, twice))
        self.over = True

    async def _run(
        self, threads: ThreadPoolExecutor, count: int, rate: float, forge: float, twice: float
    ) -> None:
        asyncio.get_running_loop().set_default_executor(threads)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(count):
                sending = self.sending()
                tasks.create_task(self._deliver(sending, twice))
                if self._random.random() < forge:
                    tasks.create_task(self._forge())
                await asyncio.sleep(1 / rate)

    async def _deliver(self, sending: Sending, twice: float) -> None:
        for wait in WAITS:
            await asyncio.sleep(wait * self.scale)
            made = sending.make(self._provider)
            copies = 2 if self._random.random() < twice else 1
            posts = [asyncio.to_thread(self.post, made, sending.path) for _ in range(copies)]
            sending.attempts += await asyncio.gather(*posts)
            if sending.acknowledged:
                return

    async def _forge(self) -> None:
        """Send a missing or invalid signature, in one of six ways."""
        victim = Sending("invoice.created", Ways(True, True), f"forged-{token_hex(6)}", 0)
        genuine, foreign = victim.make(self._provider), victim.make(self._stranger)
        other = self.sent[-1].make(self._provider)
        wrong = self._random.choice(
            (
                foreign,
                SignedDelivery(genuine.headers, genuine.body + b" "),
                SignedDelivery(other.headers, genuine.body),
                SignedDelivery(_without_signature(genuine), genuine.body),
                SignedDelivery(_with_signature(genuine, "sha256="), genuine.body),
                SignedDelivery(_with_signature(genuine, "sha256=" + "0" * 64), genuine.body),
            )
        )
        self.forged.append(await asyncio.to_thread(partial(self.post, wrong)))


def _signature(made: SignedDelivery) -> dict[str, str]:
    return {name: value for name, value in made.headers.items() if "signature" in name.lower()}


def _without_signature(made: SignedDelivery) -> dict[str, str]:
    return {name: value for name, value in made.headers.items() if name not in _signature(made)}


def _with_signature(made: SignedDelivery, value: str) -> dict[str, str]:
    return {**made.headers, **dict.fromkeys(_signature(made), value)}


class Fault(NamedTuple):
    """What was done to whom, and until when it lasted."""

    kind: str
    began: float
    ended: float
    victims: tuple[int, ...]


class Mayhem:
    """Kills of random processes on *stage*, which are started again."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.faults: list[Fault] = []
        self._stage = stage
        self._random = random.Random(seed)  # noqa: S311 - a seed is there to repeat a run.
        self._bag: list[str] = []

    def rage(self, over: Callable[[], bool], *, pause: tuple[float, float]) -> None:
        """Kill, with a *pause* between such bounds, until it is *over*.

        A kind that has hit nothing in flight comes again soon.
        """
        while not over():
            self._rest(self._random.uniform(*pause), over)
            if not self._bag:
                self._bag = self._random.sample(KINDS, len(KINDS))
            kind, began = self._bag.pop(), time.time()
            victims = getattr(self, f"_{kind}")()
            self._stage.revive()
            self.faults.append(Fault(kind, began, time.time(), tuple(victims)))
            cut = set(victims) & set(self._stage.oracle.open_runs().values())
            if kind in {"web", "horse", "worker"} and not cut:
                self._bag.insert(self._random.randint(0, len(self._bag)), kind)

    def counts(self) -> dict[str, int]:
        """How many faults of each kind there were."""
        return {kind: sum(fault.kind == kind for fault in self.faults) for kind in KINDS}

    def _web(self) -> list[int]:
        return self._stage.kill(self._name("web"))

    def _horse(self) -> list[int]:
        victims = self._stage.horses() & {self._at_work(self._stage.horses)}
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return sorted(victims)

    def _worker(self) -> list[int]:
        return self._stage.kill(self._name("fork"))

    def _orphan(self) -> list[int]:
        return self._stage.kill(self._name("fork"), alone=True)

    def _name(self, kind: str) -> str:
        """Return a process of a *kind*, preferably one that is at work."""
        names = self._stage.names(kind)

        def sessions() -> set[int]:
            return {pid for name in names for pid in processes_of(self._stage.running[name].pid)}

        session = session_of(self._at_work(sessions))
        busy = [name for name in names if self._stage.running[name].pid == session]
        return self._random.choice(busy or names)

    def _at_work(self, among: Callable[[], set[int]]) -> int:
        """Return the process that has begun its run last within a second, or 0."""
        end = time.monotonic() + 1
        while time.monotonic() < end:
            pids = among()
            found = [pid for pid in self._stage.oracle.open_runs().values() if pid in pids]
            if found:
                return found[-1]
        return 0

    def _server(self) -> list[int]:
        with self._stage.gone():
            self._rest(self._random.uniform(0.1, 1), lambda: False)
        return []

    def _rest(self, seconds: float, over: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not over():
            time.sleep(0.01)


Facts = dict[str, object]


class Figures:
    """What came of a run; *notes* is all that the oracle knows."""

    def __init__(self, sender: Storm, mayhem: Mayhem, notes: list[Note]) -> None:
        self._sender = sender
        self._mayhem = mayhem
        self._notes = notes
        self._ended = {note.run for note in notes if note.what == "end"}
        self._effects = [note for note in notes if note.what == "effect"]

    def lost(self) -> list[str]:
        """Which effects of acknowledged deliveries are missing."""
        had = {(note.business, note.handler) for note in self._effects}
        return [
            f"{business} {handler}"
            for sending in self._sender.sent
            for business, handler in sorted(sending.expected - had)
            if sending.acknowledged
        ]

    def unexpected(self) -> list[str]:
        """What has run though the sender never sent it."""
        sent = {business for each in self._sender.sent for business, _ in each.expected}
        return [note.business for note in self._notes if note.business not in sent]

    def let_in(self) -> list[Attempt]:
        """The forged requests that were answered with anything but 401."""
        return [attempt for attempt in self._sender.forged if attempt.status not in {0, 401}]

    def odd(self) -> list[int]:
        """Answers to genuine attempts that no fault explains."""
        reported = [attempt.status for sending in self._sender.sent for attempt in sending.attempts]
        # 500 is for an inline handler that could not reach the server to have its effect.
        return [status for status in reported if status not in {0, 200, 202, 409, 500, 503}]

    def doubles(self) -> tuple[int, int, int]:
        """Effects that came again: guarded, guarded in the documented window, unguarded.

        The window lies between an effect and the record that it was: a run that was cut there has
        an effect and no end.
        """
        wrong, window, unguarded = 0, 0, 0
        for notes in self._by_effect().values():
            for earlier in notes[:-1]:
                if earlier.handler in UNGUARDED:
                    unguarded += 1
                elif earlier.run in self._ended:
                    wrong += 1
                else:
                    window += 1
        return wrong, window, unguarded

    def hits(self) -> Counter[str]:
        """How many faults of each kind hit something in flight."""
        return Counter(fault.kind for fault in self._mayhem.faults if self._hit(fault))

    def recoveries(self) -> list[float]:
        """How long each run that was cut short took to be ended by another one."""
        ends = {(n.fingerprint, n.handler): n.at for n in self._notes if n.what == "end"}
        return [
            ends[note.fingerprint, note.handler] - note.at
            for note in self._notes
            if note.what == "start"
            and note.run not in self._ended
            and (note.fingerprint, note.handler) in ends
        ]

    def line(self, **more: object) -> str:
        """Everything, as one line of JSON."""
        attempts = [attempt for sending in self._sender.sent for attempt in sending.attempts]
        wrong, window, unguarded = self.doubles()
        recoveries = sorted(self.recoveries())
        facts: Facts = {
            **more,
            "deliveries": len(self._sender.sent),
            "attempts": len(attempts),
            "forged": len(self._sender.forged),
            "kills": self._mayhem.counts(),
            "hits": dict(self.hits()),
            "acknowledged": sum(sending.acknowledged for sending in self._sender.sent),
            "statuses": {str(s): n for s, n in sorted(Counter(a.status for a in attempts).items())},
            "effects": len(self._effects),
            "lost": len(self.lost()),
            "let_in": len(self.let_in()),
            "doubles_guarded": wrong,
            "doubles_in_window": window,
            "doubles_unguarded": unguarded,
            "reruns": self._reruns(),
            "cut_short": len(recoveries),
            "recovery_p50": round(median(recoveries), 1) if recoveries else 0,
            "recovery_max": round(recoveries[-1], 1) if recoveries else 0,
        }
        return json.dumps(facts)

    def _by_effect(self) -> dict[tuple[str, ...], list[Note]]:
        """Effects that must happen once: each, over all that the receiver can know to be one."""
        unknowable = {s.business for s in self._sender.sent if not (any(s.ways))}
        found: dict[tuple[str, ...], list[Note]] = defaultdict(list)
        for note in self._effects:
            # A new id and new bytes: to a receiver such a retry is another event.
            apart = note.fingerprint if note.business in unknowable else ""
            found[note.handler, note.business, apart].append(note)
        return found

    def _reruns(self) -> int:
        starts = Counter((n.handler, n.fingerprint) for n in self._notes if n.what == "start")
        return sum(starts.values()) - len(starts)

    def _hit(self, fault: Fault) -> bool:
        if fault.kind in {"horse", "worker"}:
            return any(self._was_cut(note) and note.pid in fault.victims for note in self._notes)
        if fault.kind == "orphan":  # Its work-horse lives on; what was in flight is its job.
            return any(self._ran_during(note, fault) for note in self._notes)
        return any(self._was_refused(s, fault) for s in self._sender.sent)

    def _was_cut(self, note: Note) -> bool:
        return note.what == "start" and note.run not in self._ended

    def _ran_during(self, note: Note, fault: Fault) -> bool:
        return note.what == "start" and note.at < fault.began < note.at + 1

    def _was_refused(self, sending: Sending, fault: Fault) -> bool:
        return any(
            a.began < fault.ended and a.ended > fault.began and not a.acknowledged
            for a in sending.attempts
        )


@pytest.mark.parametrize(
    ("deliveries", "rate"),
    [
        pytest.param(120, 15, id="short"),
        pytest.param(500, 8, id="long", marks=pytest.mark.long),
    ],
)
def test_acknowledged_deliveries_are_done_once_under_random_kills(
    directory: Path,
    seed: int,
    record_property: Callable[[str, object], None],
    deliveries: int,
    rate: float,
) -> None:
    with Stage(directory, webs=2, workers=2) as stage:
        sender, mayhem = Storm(stage.url, seed), Mayhem(stage, seed)
        sending = threading.Thread(target=sender.run, args=(deliveries,), kwargs={"rate": rate})
        sending.start()
        mayhem.rage(lambda: sender.over, pause=(0.2, 0.9))
        sending.join()
        given_up = [each for each in sender.sent if not each.acknowledged]
        for each in given_up:  # As an operator at Florentin has them sent again.
            stage.wait(lambda once_more=each: sender.attempt(once_more).acknowledged)  # type: ignore[misc]  # a bound value.
        stage.settle()
        before = stage.oracle.notes()
        replayed = {attempt.status for attempt in sender.replay()}
        assert not stage.stuck()
        after = stage.oracle.notes()
    figures = Figures(sender, mayhem, before)
    record_property("figures", figures.line(seed=seed, given_up=len(given_up)))
    assert replayed == {200}, "a replay was not answered as a duplicate"
    assert after == before, "a replay has run something"
    assert not figures.lost()
    assert not figures.unexpected()
    assert not figures.let_in()
    assert not figures.odd()
    wrong, window, unguarded = figures.doubles()
    assert not wrong, "an effect that had been recorded came again"
    assert window + unguarded <= 2 * len(mayhem.faults)
    hits = figures.hits()
    missed = {"web", "horse", "worker", "server"} - set(hits)
    assert not missed, f"invalid, not passed: nothing in flight was hit by killing {missed}"
