"""The decisions of all stores are the same for any operations in any order."""

from __future__ import annotations

import uuid
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Finish
from florentin_webhooks.core.stores.base import State
from tests.support.stores import IMPLEMENTATIONS, Span, Subject, accept, content, finish

BODIES = [content(n, stamped=stamp) for n in (1, 2) for stamp in ("12:00:00", "12:00:30")]
STATES = [State.RUNNING, State.DONE, State.FAILED]

# A request draws its token once; asked again, because an answer was lost, it asks the same.
requests = st.lists(
    st.builds(
        accept,
        st.sampled_from(BODIES),
        token=st.uuids().map(lambda each: each.bytes[:8]),
        under=st.sampled_from(["id-1", "id-2", None]),
        fresh=st.sampled_from([True, True, False]),
        valid=st.sampled_from([True, True, False]),
    ),
    min_size=1,
    max_size=6,
)


@st.composite
def histories(draw: st.DrawFn) -> list[Accept | Finish]:
    """Requests that ask, ask again and finish, whether they hold a lease or not."""
    asking = st.sampled_from(draw(requests))
    finishing = st.builds(
        finish,
        st.sampled_from(BODIES),
        st.sampled_from(STATES),
        token=asking.map(lambda each: each.token),
        handler=st.sampled_from([None, "a", "b"]),
    )
    return draw(st.lists(asking | finishing, max_size=25))


def reported(subject: Subject, operation: Accept | Finish) -> object:
    """What a receiver makes of the answer: the attempt and the ledger count where it runs."""
    if isinstance(operation, Finish):
        return subject.finish(operation)
    claim = subject.accept(operation)
    if claim.decision is AcceptDecision.RUN:
        return claim
    return (claim.decision, claim.key, claim.id_changed, claim.id_reused)


def assert_alike(redis_server: str, operations: list[Accept | Finish]) -> None:
    """Carry out *operations* in every store, and compare the answers."""
    with ExitStack() as stack:
        first, *others = [
            stack.enter_context(build(redis_server, f"alike-{uuid.uuid4().hex}", Span()))
            for name, build in IMPLEMENTATIONS.items()
            if name != "cluster"  # A lane does not know which ids the others have seen.
        ]
        for operation in operations:
            answer = reported(first, operation)
            for other in others:
                assert reported(other, operation) == answer


@pytest.mark.parametrize("examples", [40, pytest.param(500, marks=pytest.mark.long)])
def test_all_stores_return_the_same_decisions(redis_server: str, examples: int) -> None:
    @settings(max_examples=examples)
    @given(operations=histories())
    def check(operations: list[Accept | Finish]) -> None:
        assert_alike(redis_server, operations)

    check()
