"""The table of steps shows every event and every outcome once."""

from __future__ import annotations

from itertools import chain

from florentin_webhooks.cli.demo.steps import PARTS
from florentin_webhooks.events import CATALOGUE


def test_all_events_come_first() -> None:
    assert [step.event for step in next(iter(PARTS.values()))] == list(CATALOGUE)


def test_each_step_has_its_own_title_and_one_task() -> None:
    steps = list(chain.from_iterable(PARTS.values()))
    assert len({step.title for step in steps}) == len(steps) == 27
    assert all(step.event or step.make or step.act for step in steps)
    assert all(step.why for step in steps if step.title not in CATALOGUE)
