"""Measure side by side: many short slices in rotating order, and ratios within one round.

Absolute times say more about the machine than about the code; a ratio of neighbours says which
of the two costs more. So rows hold ratios, with the range that half of the rounds kept to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

__all__ = ["MISSED", "Row", "against", "paired", "seconds"]

MISSED = "MISSED"

SLICE = 0.003
"""Seconds of one slice: long enough for the clock, short enough that neighbours are alike."""


@dataclass(frozen=True, slots=True)
class Row:
    """Hold one line of the table; *aim* is ``<= 1.5`` or ``>= 3``, or empty for a mere fact.

    *why* is said where the aim is missed.
    """

    what: str
    against: str
    samples: Sequence[float]
    aim: str = ""
    why: str = ""

    @property
    def value(self) -> float:
        """Give the median of the samples."""
        return median(self.samples)

    @property
    def range(self) -> str:
        """Give what the middle half of the samples kept to; nothing where all are one."""
        if len(set(self.samples)) == 1:
            return ""
        if len(self.samples) < 4:
            return f"{min(self.samples):.3g}-{max(self.samples):.3g}"
        first, _, third = quantiles(self.samples, n=4)
        return f"{first:.3g}-{third:.3g}"

    @property
    def verdict(self) -> str:
        """Say whether the aim is met."""
        if not self.aim:
            return ""
        sign, _, limit = self.aim.partition(" ")
        met = self.value <= float(limit) if sign == "<=" else self.value >= float(limit)
        return "met" if met else MISSED


def seconds(run: Callable[[], object], times: int) -> float:
    """Give the seconds of one call, over *times* calls."""
    start = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - start) / times


def paired(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Give the seconds of one call of each, once per round; the order rotates."""
    loops = {name: max(1, int(SLICE / seconds(run, 20))) for name, run in runs.items()}
    names = list(runs)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            times[name].append(seconds(runs[name], loops[name]))
    return times


def against(times: Sequence[float], base: Sequence[float]) -> list[float]:
    """Give the ratio to *base* in each round."""
    return [one / other for one, other in zip(times, base, strict=True)]
