"""Schedules of steps that hypothesis draws, each carried out on a model of what must be true."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy

from tests.support.stores import Subject

__all__ = ["Schedule", "check_schedules"]


class Schedule(Protocol):
    """A store and the model of it: a method for each step."""

    def heal(self) -> None:
        """Let everything come to its end, and check that nothing is lost."""
        ...


def check_schedules(
    schedules: SearchStrategy[list[tuple[Any, ...]]],
    examples: int,
    stores: Callable[[], Iterable[AbstractContextManager[Subject]]],
    build: Callable[[Subject], Schedule],
) -> None:
    """Carry out so many *examples* of *schedules* on each of the *stores*, new for each of them.

    A step is the name of a method of what *build* returns, and its arguments.
    """

    @settings(max_examples=examples)
    @given(steps=schedules)
    def check(steps: list[tuple[Any, ...]]) -> None:
        for opened in stores():
            with opened as store:
                schedule = build(store)
                for step, *arguments in steps:
                    getattr(schedule, step)(*arguments)
                schedule.heal()

    check()
