"""Judge a run by what was sent, what was killed and what the oracle knows."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from statistics import median

from tests.faults.florentin import Attempt, Florentin, Sending
from tests.faults.mayhem import Fault, Mayhem
from tests.faults.oracle import Note
from tests.faults.program import EFFECTS, UNGUARDED

__all__ = ["Figures"]

Facts = dict[str, object]


class Figures:
    """What came of a run; *notes* is all that the oracle knows."""

    def __init__(self, sender: Florentin, mayhem: Mayhem, notes: list[Note]) -> None:
        self._sender = sender
        self._mayhem = mayhem
        self._notes = notes
        self._ended = {note.run for note in notes if note.what == "end"}
        self._effects = [note for note in notes if note.what == "effect"]

    def lost(self) -> list[str]:
        """Which effects of acknowledged deliveries are missing."""
        had = {(note.business, note.handler) for note in self._effects}
        return [
            f"{sending.business} {handler}"
            for sending in self._sender.sent
            for handler in sorted(EFFECTS[sending.event])
            if sending.acknowledged and (sending.business, handler) not in had
        ]

    def unexpected(self) -> list[str]:
        """What has run though the sender never sent it."""
        sent = {sending.business for sending in self._sender.sent}
        return [note.business for note in self._notes if note.business not in sent]

    def let_in(self) -> list[Attempt]:
        """The forged requests that were answered with anything but 401."""
        return [attempt for attempt in self._sender.forged if attempt.status not in {0, 401}]

    def odd(self) -> list[int]:
        """Answers to genuine attempts that no fault explains."""
        told = [attempt.status for sending in self._sender.sent for attempt in sending.attempts]
        # 500 is for an inline handler that could not reach the server to have its effect.
        return [status for status in told if status not in {0, 200, 202, 409, 500, 503}]

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
            # A new id and new bytes: no receiver can tell such a retry from another event.
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
