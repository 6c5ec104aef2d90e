"""Results of steps are compared with what is expected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from florentin_webhooks.cli.demo.runner import Reply, Result, Step

STEP = Step("a step", status=202, outcome="accepted", runs=("bill",), state="done")
GOOD = Result(STEP, Reply("3fe77f", 202, "accepted"), "done", 5.0, ("bill",), ("bill",), ("",))


def test_expected_result_has_no_problems() -> None:
    assert GOOD.problems == []


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        (
            replace(GOOD, reply=Reply("3fe77f", 200, "accepted")),
            "status: expected 202, was 200",
        ),
        (
            replace(GOOD, reply=Reply("3fe77f", 202, "duplicate")),
            "outcome: expected accepted, was duplicate",
        ),
        (replace(GOOD, state="dead"), "state: expected done, was dead"),
        (replace(GOOD, finished=()), "handlers finished: expected bill, was none"),
        (
            replace(GOOD, runs=("bill", "bill")),
            "handlers called: expected bill, was bill, bill",
        ),
    ],
)
def test_each_difference_is_a_problem(result: Result, problem: str) -> None:
    assert result.problems == [problem]


def test_step_may_leave_the_state_open_and_name_finished_handlers() -> None:
    step = replace(STEP, state="", finished=())
    assert replace(GOOD, step=step, finished=(), state="queued").problems == []
