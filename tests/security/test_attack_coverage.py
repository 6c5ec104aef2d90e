"""Every case of ``attack_cases.json`` and ``hostile_cases.json`` is answered by a test.

A test names the cases that it answers: ``@pytest.mark.answers("SIG-14")``, or ``pytestmark`` for
a whole file. What follows the dot of a case, as in ``SIG-14.2``, is an input of the same test.
The tests marked ``answers("every request")`` run every case that has a request of its own.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.vectors import attacks, case_ids

TESTS = Path(__file__).parents[1]
GROUPS = ("SIG", "TIME", "RPL", "JSON", "HTTP", "EVT", "ADP", "LOG", "RQ")
# Redis faults are answered by integration/redis/, operations by tests/faults.
ELSEWHERE = ("RED", "OPS")
REQUESTS = "every request"
MAKE_REQUESTS = {
    "conformance/test_mounts.py",
    "conformance/test_mounts_under_servers.py",
    "security/test_attacks_over_http.py",
    "unit/senders/florentin/test_signature.py",
}
ANOTHER_SCHEME = "another scheme: Florentin signs in hex, one signature, no signed timestamp"
UNANSWERED = {
    "ADP-10": "one receiver serves one tenant; nothing looks a tenant up by path",
    "RQ-15": "registries use each host's clock: documented; our leases use the server's",
    **dict.fromkeys(["sig-not-split", "sig-bad-base64", "sig-base64-junk"], ANOTHER_SCHEME),
}
"""Cases without a test, and the reason. SIG-31, RPL-17 wait for tenants, TIME-17, LOG-07 for
metrics, with the other half of them."""


def marks(path: Path) -> Iterator[str]:
    """Yield the cases that the tests of a file, or the whole file, are marked with."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        marked: list[ast.expr] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.name.startswith("test_") or not list(cases(node.decorator_list)), node.name
            marked = node.decorator_list
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            marked = [node.value]
        yield from cases(marked)


def cases(marked: list[ast.expr]) -> Iterator[str]:
    for each in marked:
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.answers":
            yield from map(ast.literal_eval, each.args)


@cache
def answers() -> dict[str, set[str]]:
    """Return the files that answer each case."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in TESTS.rglob("test_*.py"):
        for case in marks(path):
            found[case].add(path.relative_to(TESTS).as_posix())
    return found


def numbers(groups: tuple[str, ...]) -> set[str]:
    """Return the attacks of these groups, without what follows the dot."""
    ids = case_ids("attack_cases.json")
    return {each.partition(".")[0] for each in ids if each.partition("-")[0] in groups}


MADE = {attack.case.partition(".")[0] for attack in attacks()}
CASES = numbers(GROUPS) | set(case_ids("hostile_cases.json"))


def test_every_case_is_answered_or_has_a_reason() -> None:
    assert CASES - answers().keys() - MADE == UNANSWERED.keys()


def test_every_mark_names_a_case() -> None:
    assert answers().keys() - CASES == {REQUESTS}


def test_cases_with_a_request_run_through_every_mount() -> None:
    assert answers()[REQUESTS] == MAKE_REQUESTS
    assert MADE <= CASES


def test_groups_of_attacks_are_known() -> None:
    assert numbers(GROUPS + ELSEWHERE) == {
        each.partition(".")[0] for each in case_ids("attack_cases.json")
    }
