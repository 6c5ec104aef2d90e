"""The state machine of a delivery, on every store there is."""

from collections.abc import Callable
from itertools import product

import pytest

from florentin_webhooks.core.stores.accept import AcceptDecision, Claim
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.stores import Span, Subject, accept, claimed, content, finish

Make = Callable[[Span], Subject]
BODY = content()
SHORT = 0.03


def test_an_unknown_delivery_is_run(store: Subject) -> None:
    assert store.accept(accept(BODY)) == Claim(AcceptDecision.RUN, fingerprint(BODY))


def test_a_delivery_that_runs_is_in_progress_for_everybody_else(store: Subject) -> None:
    claimed(store, BODY)
    assert store.accept(accept(BODY, token=b"other")).verdict is AcceptDecision.IN_PROGRESS


@pytest.mark.answers("RPL-09")
def test_whoever_has_to_wait_is_told_how_long(make: Make) -> None:
    store = make(Span(lease=60))
    claimed(store, BODY)
    assert 0 < store.accept(accept(BODY, token=b"other")).wait <= 60


def test_a_delivery_that_is_done_is_a_duplicate(store: Subject) -> None:
    claimed(store, BODY)
    assert store.finish(finish(BODY)) is State.DONE
    claim = store.accept(accept(BODY, token=b"other"))
    assert (claim.verdict, claim.key) == (AcceptDecision.DUPLICATE, fingerprint(BODY))


@pytest.mark.parametrize(("fresh", "valid"), [*product([True, False], repeat=2)])
def test_a_delivery_that_is_done_is_a_duplicate_whatever_it_looks_like_now(
    store: Subject, *, fresh: bool, valid: bool
) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY))
    again = store.accept(accept(BODY, token=b"other", fresh=fresh, valid=valid))
    assert again.verdict is AcceptDecision.DUPLICATE


@pytest.mark.parametrize("fresh", [True, False])
def test_a_delivery_that_failed_is_run_again_however_old_it_is(
    store: Subject, *, fresh: bool
) -> None:
    claimed(store, BODY)
    assert store.finish(finish(BODY, State.FAILED)) is State.FAILED
    assert store.accept(accept(BODY, token=b"other", fresh=fresh)).verdict is AcceptDecision.RUN


def test_attempts_are_counted(store: Subject) -> None:
    for attempt, token in enumerate((b"one", b"two", b"three"), 1):
        assert claimed(store, BODY, token=token).attempt == attempt
        store.finish(finish(BODY, State.FAILED, token=token))


def test_a_retry_learns_which_handlers_have_finished(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.RUNNING, handler="shop.hooks:bill"))
    store.finish(finish(BODY, State.RUNNING))
    store.finish(finish(BODY, State.FAILED, handler="läden:<locals>.zähle"))
    claim = claimed(store, BODY, token=b"other")
    assert claim.done == {"shop.hooks:bill", "läden:<locals>.zähle"}


@pytest.mark.answers("RPL-15")
def test_whoever_asks_twice_because_an_answer_was_lost_has_the_lease(store: Subject) -> None:
    claimed(store, BODY)
    assert claimed(store, BODY).attempt == 1


def test_whoever_asks_twice_in_a_retry_is_in_the_same_attempt(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED, handler="one"))
    first = claimed(store, BODY, token=b"other")
    assert claimed(store, BODY, token=b"other") == first


@pytest.mark.answers("RPL-09", "worker-dies-after-claim")
def test_a_lease_that_ended_is_taken_over(make: Make) -> None:
    store = make(Span(lease=SHORT))
    claimed(store, BODY)
    store.passes(SHORT)
    assert claimed(store, BODY, token=b"other").attempt == 2


def test_whoever_takes_over_learns_which_handlers_have_finished(make: Make) -> None:
    store = make(Span(lease=SHORT))
    claimed(store, BODY)
    store.finish(finish(BODY, State.RUNNING, handler="one"))
    store.passes(SHORT)
    assert claimed(store, BODY, token=b"other").done == {"one"}


def test_an_old_delivery_is_taken_over_as_well(make: Make) -> None:
    store = make(Span(lease=SHORT))
    claimed(store, BODY)
    store.passes(SHORT)
    assert store.accept(accept(BODY, token=b"other", fresh=False)).verdict is AcceptDecision.RUN


def test_a_handler_that_has_finished_extends_the_lease(make: Make) -> None:
    store = make(Span(lease=0.5))
    claimed(store, BODY)
    store.passes(0.5)
    assert store.finish(finish(BODY, State.RUNNING, handler="one")) is State.RUNNING
    assert store.accept(accept(BODY, token=b"other")).verdict is AcceptDecision.IN_PROGRESS


def test_a_lease_that_ended_and_was_not_taken_over_still_counts(make: Make) -> None:
    store = make(Span(lease=SHORT))
    claimed(store, BODY)
    store.passes(SHORT)
    assert store.finish(finish(BODY)) is State.DONE


@pytest.mark.parametrize("state", [State.RUNNING, State.FAILED, State.DONE])
def test_nobody_finishes_with_a_token_that_holds_no_lease(store: Subject, state: State) -> None:
    claimed(store, BODY)
    assert store.finish(finish(BODY, state, token=b"other", handler="one")) is State.LOST
    store.finish(finish(BODY, State.FAILED))
    assert claimed(store, BODY, token=b"third").done == set()


@pytest.mark.answers("RPL-11")
@pytest.mark.parametrize("state", [State.RUNNING, State.FAILED, State.DONE])
def test_a_late_owner_changes_nothing_while_the_next_one_runs(make: Make, state: State) -> None:
    store = make(Span(lease=0.5))
    claimed(store, BODY)
    store.passes(0.5)
    claimed(store, BODY, token=b"other")
    assert store.finish(finish(BODY, state, handler="one")) is State.LOST
    assert store.accept(accept(BODY, token=b"third")).verdict is AcceptDecision.IN_PROGRESS


@pytest.mark.answers("RPL-11")
@pytest.mark.parametrize("state", [State.RUNNING, State.FAILED, State.DONE])
def test_a_late_owner_changes_nothing_once_the_next_one_is_done(make: Make, state: State) -> None:
    store = make(Span(lease=SHORT))
    claimed(store, BODY)
    store.passes(SHORT)
    claimed(store, BODY, token=b"other")
    store.finish(finish(BODY, token=b"other"))
    assert store.finish(finish(BODY, state)) is State.DONE
    assert store.accept(accept(BODY, token=b"third")).verdict is AcceptDecision.DUPLICATE


def test_whoever_finishes_twice_because_an_answer_was_lost_is_told_it_is_done(
    store: Subject,
) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY))
    assert store.finish(finish(BODY)) is State.DONE


def test_a_failure_that_is_recorded_twice_leaves_the_next_attempt_alone(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    claimed(store, BODY, token=b"other")
    assert store.finish(finish(BODY, State.FAILED)) is State.LOST
    assert store.accept(accept(BODY, token=b"third")).verdict is AcceptDecision.IN_PROGRESS


def test_what_nobody_accepted_cannot_be_finished(store: Subject) -> None:
    assert store.finish(finish(BODY)) is State.LOST
    assert claimed(store, BODY).attempt == 1


def test_a_delivery_that_is_done_is_forgotten_after_the_retention(make: Make) -> None:
    store = make(Span(retention=SHORT))
    claimed(store, BODY)
    store.finish(finish(BODY))
    store.passes(SHORT)
    assert claimed(store, BODY, token=b"other") == Claim(AcceptDecision.RUN, fingerprint(BODY))


def test_an_unknown_delivery_that_is_too_old_is_not_run(store: Subject) -> None:
    assert store.accept(accept(BODY, fresh=False)).verdict is AcceptDecision.STALE


def test_a_delivery_that_was_too_old_stays_so(store: Subject) -> None:
    store.accept(accept(BODY, fresh=False))
    assert store.accept(accept(BODY, token=b"other", fresh=False)).verdict is AcceptDecision.STALE


def test_a_delivery_that_came_too_early_is_run_once_it_is_fresh(store: Subject) -> None:
    store.accept(accept(BODY, fresh=False))
    assert claimed(store, BODY, token=b"other").attempt == 1


def test_a_delivery_that_its_model_refuses_is_not_run(store: Subject) -> None:
    assert store.accept(accept(BODY, valid=False)).verdict is AcceptDecision.INVALID


@pytest.mark.parametrize("fresh", [True, False])
def test_a_delivery_that_was_refused_is_run_once_its_model_takes_it(
    store: Subject, *, fresh: bool
) -> None:
    store.accept(accept(BODY, valid=False))
    assert store.accept(accept(BODY, token=b"other", fresh=fresh)).verdict is AcceptDecision.RUN


def test_a_delivery_that_is_too_old_and_refused_is_too_old(store: Subject) -> None:
    assert store.accept(accept(BODY, fresh=False, valid=False)).verdict is AcceptDecision.STALE


def test_a_failed_delivery_that_its_model_refuses_now_is_not_run(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    assert store.accept(accept(BODY, token=b"other", valid=False)).verdict is AcceptDecision.INVALID


@pytest.mark.parametrize(("fresh", "valid"), [(False, True), (True, False)])
def test_nothing_that_was_not_run_can_be_finished(
    store: Subject, *, fresh: bool, valid: bool
) -> None:
    store.accept(accept(BODY, fresh=fresh, valid=valid))
    assert store.finish(finish(BODY)) is State.LOST


@pytest.mark.parametrize(("fresh", "valid"), [(False, True), (True, False), (True, True)])
@pytest.mark.parametrize("body", [BODY, b"\x00\xff\r\n" + bytes(range(256))])
def test_the_body_is_kept_until_a_delivery_is_done(
    store: Subject, body: bytes, *, fresh: bool, valid: bool
) -> None:
    store.accept(accept(body, fresh=fresh, valid=valid))
    assert store.body(fingerprint(body)) == body


def test_the_body_is_kept_when_a_delivery_has_failed(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    assert store.body(fingerprint(BODY)) == BODY


def test_the_body_is_forgotten_when_a_delivery_is_done(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY))
    assert store.body(fingerprint(BODY)) is None


def test_an_operation_that_no_store_knows_is_a_configuration_error(store: Subject) -> None:
    with pytest.raises(ConfigurationError, match=r"(cannot carry out|does not support) Operation"):
        store.ask(Operation())
