"""Measurements side by side: many short slices in rotating order, and ratios within one round.

Absolute times depend more on the machine than on the code. The ratio of two neighbouring slices
shows which one costs more, so rows contain ratios, with the range of the middle half of the rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

Clock = Callable[[], float]

__all__ = ["MISSED", "Row", "against", "paired", "seconds"]

MISSED = "MISSED"

SLICE = 0.003
"""Seconds of one slice: long enough for the clock, short enough for equal conditions."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table.

    *aim* is for example ``<= 1.5`` or ``>= 3``, or empty if there is none. *why* is printed if the
    aim is missed.
    """

    what: str
    against: str
    samples: Sequence[float]
    aim: str = ""
    why: str = ""

    @property
    def value(self) -> float:
        """Return the median of the samples."""
        return median(self.samples)

    @property
    def range(self) -> str:
        """Return the range of the middle half of the samples; empty if all are equal."""
        if len(set(self.samples)) == 1:
            return ""
        if len(self.samples) < 4:
            return f"{min(self.samples):.3g}-{max(self.samples):.3g}"
        first, _, third = quantiles(self.samples, n=4)
        return f"{first:.3g}-{third:.3g}"

    @property
    def verdict(self) -> str:
        """Return whether the aim is met, as text; empty without an aim."""
        if not self.aim:
            return ""
        sign, _, limit = self.aim.partition(" ")
        met = self.value <= float(limit) if sign == "<=" else self.value >= float(limit)
        return "met" if met else MISSED


def seconds(run: Callable[[], object], times: int, clock: Clock = time.perf_counter) -> float:
    """Return the mean seconds of a call, over *times* calls."""
    start = clock()
    for _ in range(times):
        run()
    return (clock() - start) / times


def paired(
    runs: Mapping[str, Callable[[], object]], rounds: int, clock: Clock = time.perf_counter
) -> dict[str, list[float]]:
    """Return the seconds of a call for each run and round; the order rotates."""
    loops = {name: max(1, int(SLICE / seconds(run, 20, clock))) for name, run in runs.items()}
    names = list(runs)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            times[name].append(seconds(runs[name], loops[name], clock))
    return times


def against(times: Sequence[float], base: Sequence[float]) -> list[float]:
    """Return the ratio to *base* in each round."""
    return [one / other for one, other in zip(times, base, strict=True)]
