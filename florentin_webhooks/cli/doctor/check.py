"""The result of a check: what was found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Check", "State", "fail", "ok", "skipped", "warn"]


class State(StrEnum):
    """How a check ended; one that could not be made is skipped, and no failure."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding under a stable *name*; the *hint* is what to do."""

    name: str
    state: State
    message: str
    hint: str = ""


def ok(name: str, message: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(name, State.OK, message)


def warn(name: str, message: str, hint: str) -> Check:
    """Return a check that found what fails under some conditions."""
    return Check(name, State.WARN, message, hint)


def fail(name: str, message: str, hint: str) -> Check:
    """Return a check that found what loses deliveries, or lets others in."""
    return Check(name, State.FAIL, message, hint)


def skipped(name: str, message: str, hint: str = "") -> Check:
    """Return a check that could not be made."""
    return Check(name, State.SKIPPED, message, hint)
