"""Faults on demand: which attempts go wrong, and how; the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from types import MappingProxyType

from florentin_webhooks.errors import ConfigurationError

__all__ = ["Fault", "Faults", "parse_faults"]


class Fault(StrEnum):
    """What goes wrong with a delivery."""

    DUPLICATE = "duplicate"
    """The same request is sent twice, at the same time."""
    RESTAMP = "re-stamp"
    """After it was answered, it is sent again with the same id, a new time and a new signature."""
    REORDER = "reorder"
    """It is sent after the next one."""
    DELAY = "delay"
    """The first attempt comes late."""
    DROP_ANSWER = "drop-answer"
    """The answer does not reach the sender, which takes it for a failure."""
    TAMPER = "tamper"
    """The body is changed after it was signed."""
    WRONG_SECRET = "wrong-secret"  # noqa: S105 - the name of a fault.
    """It is signed with another secret."""
    OLD_STAMP = "old-stamp"
    """It was signed a day ago."""

    @property
    def is_early(self) -> bool:
        """Whether it is decided when the event happens, not with each attempt."""
        return self in (Fault.REORDER, Fault.DELAY)


@dataclass(frozen=True, slots=True)
class Faults:
    """The share of attempts that each fault hits. The draws depend on the *seed* alone.

    Raises :class:`ConfigurationError` for shares that are not between 0 and 1 in total.
    """

    rates: Mapping[Fault, float] = field(default_factory=lambda: MappingProxyType({}))
    seed: int = 0

    def __post_init__(self) -> None:
        total = sum(self.rates.values())
        if any(rate < 0 for rate in self.rates.values()) or not total <= 1:
            raise ConfigurationError(
                f"The faults have a total share of {total:g}.",
                "Use shares that are at least 0, and at most 1 in total.",
            )

    def choose(self, sequence: int, attempt: int) -> Fault | None:
        """Return the fault of an attempt of delivery *sequence*; 0: before the first attempt."""
        draw = Random(f"{self.seed} {sequence} {attempt}").random()  # noqa: S311 - repeatable.
        for fault, rate in self.rates.items():
            draw -= rate
            if draw < 0:
                return fault if fault.is_early is (attempt == 0) else None
        return None

    def seconds(self, sequence: int, most: float) -> float:
        """Return for how long delivery *sequence* is delayed, at most *most* seconds."""
        return Random(f"{self.seed} {sequence} seconds").uniform(0, most)  # noqa: S311


def parse_faults(texts: tuple[str, ...], seed: int = 0) -> Faults:
    """Return the faults that *texts* such as ``tamper=0.1`` and ``all=0.05`` describe.

    Raises :class:`ConfigurationError`.
    """
    rates: dict[Fault, float] = {}
    for text in texts:
        name, _, rate = text.partition("=")
        chosen = [*Fault] if name == "all" else [each for each in Fault if each == name]
        if not chosen or not _is_share(rate):
            raise ConfigurationError(
                f"{text[:60]!r} is not a fault with its share.",
                f"Write all=0.05, or NAME=SHARE with one of: {', '.join(Fault)}.",
            )
        rates |= dict.fromkeys(chosen, float(rate))
    return Faults(MappingProxyType(rates), seed)


def _is_share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False
