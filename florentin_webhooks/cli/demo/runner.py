"""Carry out the script: do each step for real and compare what came of it with what must."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.cli.demo.context import DemoContext, StepReply
    from florentin_webhooks.cli.demo.recorder import Run
    from florentin_webhooks.cli.demo.steps import Step

__all__ = ["Result", "StepRunner"]


@dataclass(frozen=True, slots=True)
class Result:
    """Hold what came of a step: the answer, which handlers ran, and which of them finished."""

    step: Step
    said: StepReply
    state: str
    milliseconds: float
    runs: tuple[str, ...]
    finished: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """Give what is not as expected, as sentences; nothing where all is well."""
        step, said = self.step, self.said
        must_finish = step.runs if step.finished is None else step.finished
        compared = {
            "status": (step.status, said.status),
            "outcome": (step.outcome, said.outcome),
            "handlers called": (_names(step.runs), _names(self.runs)),
            "handlers finished": (_names(must_finish), _names(self.finished)),
            "state": (step.state or self.state, self.state),
        }
        return [
            f"{what}: expected {expected}, was {was}"
            for what, (expected, was) in compared.items()
            if expected != was
        ]

    def effects(self) -> list[str]:
        """Say what the handlers came to, in a few words each."""
        left = Counter(self.runs) - Counter(self.finished)
        return [self._effect(name, left[name]) for name in dict.fromkeys(self.runs)]

    def _effect(self, name: str, failures: int) -> str:
        if not failures:
            return f"{name} ran"
        then = ", then ran" if name in self.finished else ""
        return f"{name} {self.step.unfinished}{_times(failures)}{then}"

    def facts(self) -> dict[str, object]:
        """Give the result for JSON."""
        return {
            "step": self.step.title,
            "why": self.step.why,
            "fingerprint": self.said.fingerprint,
            "status": self.said.status or None,
            "outcome": self.said.outcome,
            "state": self.state,
            "milliseconds": self.milliseconds,
            "runs": list(self.runs),
            "finished": list(self.finished),
            "ok": not self.problems,
            "problems": self.problems,
        }


class StepRunner:
    """Perform steps, and keep apart what belongs to the delivery that was cut."""

    def __init__(self, scene: DemoContext) -> None:
        self._scene = scene
        self._after_cut = (0, 0)

    def perform(self, step: Step) -> Result:
        """Do what *step* says, wait until the workers have done their part, and look."""
        before, clock = self._counts(), time.perf_counter()
        said = step.perform(self._scene)
        milliseconds = round((time.perf_counter() - clock) * 1000, 1)
        self._scene.settle()
        about_cut = said.fingerprint == self._scene.cut
        follows = about_cut and self._after_cut != (0, 0)
        runs, finished = self._since(self._after_cut if follows else before, about_cut=about_cut)
        if about_cut:
            self._after_cut = self._counts()
        return Result(
            step=step,
            said=said,
            state=self._scene.state(said.fingerprint),
            milliseconds=milliseconds,
            runs=tuple(run.handler for run in runs),
            finished=tuple(run.handler for run in finished),
            notes=tuple(run.note for run in finished),
        )

    def _counts(self) -> tuple[int, int]:
        record = self._scene.record
        return len(record.started()), len(record.finished())

    def _since(
        self, counts: tuple[int, int], *, about_cut: bool
    ) -> tuple[Sequence[Run], Sequence[Run]]:
        record, cut = self._scene.record, self._scene.cut
        started, finished = record.started()[counts[0] :], record.finished()[counts[1] :]
        return (
            [run for run in started if (run.fingerprint == cut) == about_cut],
            [run for run in finished if (run.fingerprint == cut) == about_cut],
        )


def _names(handlers: tuple[str, ...]) -> str:
    return ", ".join(handlers) or "none"


def _times(count: int) -> str:
    return "" if count == 1 else f" {count} times"
