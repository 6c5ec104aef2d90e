"""Carry out the script: send each step over HTTP and compare what came of it with what must."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from florentin_webhooks.identity import fingerprint
from florentin_webhooks.sender import Answer, post

if TYPE_CHECKING:
    from florentin_webhooks.cli.demo.script import Scene, Step

__all__ = ["Result", "perform"]


@dataclass(frozen=True, slots=True)
class Result:
    """Hold what came of a step: the answer, which handlers ran, and which of them finished."""

    step: Step
    fingerprint: str
    answer: Answer
    milliseconds: float
    runs: tuple[str, ...]
    finished: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """Give what is not as expected, as sentences; nothing where all is well."""
        step, answer = self.step, self.answer
        must_finish = tuple(name for name in step.runs if name not in step.failing)
        compared = {
            "status": (step.status, answer.status),
            "outcome": (step.outcome, answer.outcome),
            "handlers called": (_names(step.runs), _names(self.runs)),
            "handlers finished": (_names(must_finish), _names(self.finished)),
        }
        return [
            f"{what}: expected {expected}, was {was}"
            for what, (expected, was) in compared.items()
            if expected != was
        ]

    def facts(self) -> dict[str, object]:
        """Give the result for JSON."""
        return {
            "step": self.step.title,
            "why": self.step.why,
            "fingerprint": self.fingerprint,
            "status": self.answer.status,
            "outcome": self.answer.outcome,
            "milliseconds": self.milliseconds,
            "runs": list(self.runs),
            "finished": list(self.finished),
            "ok": not self.problems,
            "problems": self.problems,
        }


def perform(step: Step, scene: Scene, url: str) -> Result:
    """Send what *step* says to *url*; its inline handlers have ended when the answer comes."""
    record = scene.record
    started, finished = len(record.started), len(record.finished)
    made = scene.sent[step.title] = step.make(scene)
    clock = time.perf_counter()
    answer = post(url, made.headers, made.body)
    return Result(
        step=step,
        fingerprint=fingerprint(made.body).hex(),
        answer=answer,
        milliseconds=round((time.perf_counter() - clock) * 1000, 1),
        runs=tuple(run.handler for run in record.started[started:]),
        finished=tuple(run.handler for run in record.finished[finished:]),
        notes=tuple(record.notes[finished:]),
    )


def _names(handlers: tuple[str, ...]) -> str:
    return ", ".join(handlers) or "none"
