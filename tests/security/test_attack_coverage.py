"""No case of the files is forgotten, and no test is only claimed."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.security.attack_coverage import ATTACKS, HOSTILE, Answers, Later
from tests.support.vectors import attacks, case_ids

TESTS = Path(__file__).parents[1]
GROUPS = ("SIG", "TIME", "RPL", "JSON", "HTTP", "EVT", "ADP", "LOG", "RQ")
# Redis faults are answered by integration/redis/, operations by tests/faults.
ELSEWHERE = ("RED", "OPS")


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(f.name for f in functions if f.name.startswith("test_"))


def exists(named: str) -> bool:
    file, _, test = named.partition("::")
    found = names_in(TESTS / file)
    return test in found if test else bool(found)


def numbers(groups: tuple[str, ...]) -> set[str]:
    """The cases of these groups, without what stands behind a dot."""
    ids = case_ids("attack_cases.json")
    return {each.partition(".")[0] for each in ids if each.partition("-")[0] in groups}


def test_every_attack_on_receiving_is_answered() -> None:
    assert ATTACKS.keys() == numbers(GROUPS)


def test_every_group_of_attacks_is_answered_here_or_elsewhere() -> None:
    assert numbers(GROUPS + ELSEWHERE) == {
        each.partition(".")[0] for each in case_ids("attack_cases.json")
    }


def test_every_hostile_case_is_answered() -> None:
    assert list(HOSTILE) == case_ids("hostile_cases.json")


def test_every_attack_with_a_request_is_answered_by_making_it() -> None:
    made = {attack.case.partition(".")[0] for attack in attacks()}
    claimed = {number for number, answers in ATTACKS.items() if any(map(_by_request, answers))}
    assert made <= claimed | {"ADP-11"}


def _by_request(answer: str | Later) -> bool:
    return (
        answer
        == "unit/senders/florentin/test_signature.py::test_an_attack_has_the_outcome_of_the_table"
    )


@pytest.mark.parametrize(("case", "answers"), [*ATTACKS.items(), *HOSTILE.items()])
def test_every_test_that_is_named_exists(case: str, answers: Answers) -> None:
    missing = [each for each in answers if isinstance(each, str) and not exists(each)]
    assert not missing, f"{case} is answered by tests that do not exist"


@pytest.mark.parametrize(("case", "answers"), [*ATTACKS.items(), *HOSTILE.items()])
def test_every_case_has_an_answer_or_a_reason(case: str, answers: Answers) -> None:
    assert answers, case
    assert all(each.reason for each in answers if isinstance(each, Later))
