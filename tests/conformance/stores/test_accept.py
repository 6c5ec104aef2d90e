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
LEASE = 60
RETENTION = 600


def test_unknown_delivery_runs(store: Subject) -> None:
    assert store.accept(accept(BODY)) == Claim(AcceptDecision.RUN, fingerprint(BODY))


def test_running_delivery_is_in_progress_for_others(store: Subject) -> None:
    claimed(store, BODY)
    assert store.accept(accept(BODY, token=b"other")).decision is AcceptDecision.IN_PROGRESS


@pytest.mark.answers("RPL-09")
def test_claim_in_progress_has_the_remaining_wait(make: Make) -> None:
    store = make(Span(lease=LEASE))
    claimed(store, BODY)
    assert 0 < store.accept(accept(BODY, token=b"other")).wait <= LEASE


def test_completed_delivery_is_a_duplicate(store: Subject) -> None:
    claimed(store, BODY)
    assert store.finish(finish(BODY)) is State.DONE
    claim = store.accept(accept(BODY, token=b"other"))
    assert (claim.decision, claim.key) == (AcceptDecision.DUPLICATE, fingerprint(BODY))


@pytest.mark.parametrize(("fresh", "valid"), [*product([True, False], repeat=2)])
def test_completed_delivery_is_a_duplicate_though_stale_or_invalid(
    store: Subject, *, fresh: bool, valid: bool
) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY))
    again = store.accept(accept(BODY, token=b"other", fresh=fresh, valid=valid))
    assert again.decision is AcceptDecision.DUPLICATE


@pytest.mark.parametrize("fresh", [True, False])
def test_failed_delivery_runs_again_though_stale(store: Subject, *, fresh: bool) -> None:
    claimed(store, BODY)
    assert store.finish(finish(BODY, State.FAILED)) is State.FAILED
    assert store.accept(accept(BODY, token=b"other", fresh=fresh)).decision is AcceptDecision.RUN


def test_attempts_are_counted(store: Subject) -> None:
    for attempt, token in enumerate((b"one", b"two", b"three"), 1):
        assert claimed(store, BODY, token=token).attempt == attempt
        store.finish(finish(BODY, State.FAILED, token=token))


def test_retry_gets_the_finished_handlers(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.RUNNING, handler="shop.hooks:bill"))
    store.finish(finish(BODY, State.RUNNING))
    store.finish(finish(BODY, State.FAILED, handler="läden:<locals>.zähle"))
    claim = claimed(store, BODY, token=b"other")
    assert claim.done == {"shop.hooks:bill", "läden:<locals>.zähle"}


@pytest.mark.answers("RPL-15")
def test_repeated_accept_keeps_the_lease(store: Subject) -> None:
    claimed(store, BODY)
    assert claimed(store, BODY).attempt == 1


def test_repeated_accept_of_a_retry_is_one_attempt(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED, handler="one"))
    first = claimed(store, BODY, token=b"other")
    assert claimed(store, BODY, token=b"other") == first


@pytest.mark.answers("RPL-09", "worker-dies-after-claim")
def test_expired_lease_is_taken_over(make: Make) -> None:
    store = make(Span(lease=LEASE))
    claimed(store, BODY)
    store.passes(LEASE)
    assert claimed(store, BODY, token=b"other").attempt == 2


def test_takeover_gets_the_finished_handlers(make: Make) -> None:
    store = make(Span(lease=LEASE))
    claimed(store, BODY)
    store.finish(finish(BODY, State.RUNNING, handler="one"))
    store.passes(LEASE)
    assert claimed(store, BODY, token=b"other").done == {"one"}


def test_expired_lease_of_a_stale_delivery_is_taken_over(make: Make) -> None:
    store = make(Span(lease=LEASE))
    claimed(store, BODY)
    store.passes(LEASE)
    assert store.accept(accept(BODY, token=b"other", fresh=False)).decision is AcceptDecision.RUN


def test_finished_handler_extends_the_lease(make: Make) -> None:
    store = make(Span(lease=LEASE))
    claimed(store, BODY)
    store.passes(LEASE)
    assert store.finish(finish(BODY, State.RUNNING, handler="one")) is State.RUNNING
    assert store.accept(accept(BODY, token=b"other")).decision is AcceptDecision.IN_PROGRESS


def test_expired_lease_owner_can_finish_without_a_takeover(make: Make) -> None:
    store = make(Span(lease=LEASE))
    claimed(store, BODY)
    store.passes(LEASE)
    assert store.finish(finish(BODY)) is State.DONE


@pytest.mark.parametrize("state", [State.RUNNING, State.FAILED, State.DONE])
def test_finish_without_the_lease_is_ignored(store: Subject, state: State) -> None:
    claimed(store, BODY)
    assert store.finish(finish(BODY, state, token=b"other", handler="one")) is State.LOST
    store.finish(finish(BODY, State.FAILED))
    assert claimed(store, BODY, token=b"third").done == set()


@pytest.mark.answers("RPL-11")
@pytest.mark.parametrize("state", [State.RUNNING, State.FAILED, State.DONE])
def test_expired_lease_owner_cannot_finish_a_running_delivery(make: Make, state: State) -> None:
    store = make(Span(lease=LEASE))
    claimed(store, BODY)
    store.passes(LEASE)
    claimed(store, BODY, token=b"other")
    assert store.finish(finish(BODY, state, handler="one")) is State.LOST
    assert store.accept(accept(BODY, token=b"third")).decision is AcceptDecision.IN_PROGRESS


@pytest.mark.answers("RPL-11")
@pytest.mark.parametrize("state", [State.RUNNING, State.FAILED, State.DONE])
def test_expired_lease_owner_cannot_finish_a_completed_delivery(make: Make, state: State) -> None:
    store = make(Span(lease=LEASE))
    claimed(store, BODY)
    store.passes(LEASE)
    claimed(store, BODY, token=b"other")
    store.finish(finish(BODY, token=b"other"))
    assert store.finish(finish(BODY, state)) is State.DONE
    assert store.accept(accept(BODY, token=b"third")).decision is AcceptDecision.DUPLICATE


def test_repeated_finish_returns_done(
    store: Subject,
) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY))
    assert store.finish(finish(BODY)) is State.DONE


def test_repeated_failure_does_not_affect_the_next_attempt(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    claimed(store, BODY, token=b"other")
    assert store.finish(finish(BODY, State.FAILED)) is State.LOST
    assert store.accept(accept(BODY, token=b"third")).decision is AcceptDecision.IN_PROGRESS


def test_unknown_delivery_cannot_be_finished(store: Subject) -> None:
    assert store.finish(finish(BODY)) is State.LOST
    assert claimed(store, BODY).attempt == 1


def test_completed_delivery_is_deleted_after_the_retention(make: Make) -> None:
    store = make(Span(retention=RETENTION))
    claimed(store, BODY)
    store.finish(finish(BODY))
    store.passes(RETENTION)
    assert claimed(store, BODY, token=b"other") == Claim(AcceptDecision.RUN, fingerprint(BODY))


def test_unknown_stale_delivery_does_not_run(store: Subject) -> None:
    claim = store.accept(accept(BODY, fresh=False))
    assert claim == Claim(AcceptDecision.STALE, fingerprint(BODY), attempt=0)


def test_stale_delivery_stays_stale(store: Subject) -> None:
    store.accept(accept(BODY, fresh=False))
    assert store.accept(accept(BODY, token=b"other", fresh=False)).decision is AcceptDecision.STALE


def test_stale_delivery_runs_once_it_is_fresh(store: Subject) -> None:
    store.accept(accept(BODY, fresh=False))
    assert claimed(store, BODY, token=b"other").attempt == 1


def test_invalid_delivery_does_not_run(store: Subject) -> None:
    claim = store.accept(accept(BODY, valid=False))
    assert claim == Claim(AcceptDecision.INVALID, fingerprint(BODY), attempt=0)


@pytest.mark.parametrize("fresh", [True, False])
def test_invalid_delivery_runs_once_it_is_valid(store: Subject, *, fresh: bool) -> None:
    store.accept(accept(BODY, valid=False))
    assert store.accept(accept(BODY, token=b"other", fresh=fresh)).decision is AcceptDecision.RUN


def test_stale_and_invalid_delivery_is_stale(store: Subject) -> None:
    assert store.accept(accept(BODY, fresh=False, valid=False)).decision is AcceptDecision.STALE


def test_failed_delivery_that_is_now_invalid_does_not_run(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    assert (
        store.accept(accept(BODY, token=b"other", valid=False)).decision is AcceptDecision.INVALID
    )


@pytest.mark.parametrize(("fresh", "valid"), [(False, True), (True, False)])
def test_delivery_that_did_not_run_cannot_be_finished(
    store: Subject, *, fresh: bool, valid: bool
) -> None:
    store.accept(accept(BODY, fresh=fresh, valid=valid))
    assert store.finish(finish(BODY)) is State.LOST


@pytest.mark.parametrize(("fresh", "valid"), [(False, True), (True, False), (True, True)])
@pytest.mark.parametrize("body", [BODY, b"\x00\xff\r\n" + bytes(range(256))])
def test_body_is_kept_while_a_delivery_runs(
    store: Subject, body: bytes, *, fresh: bool, valid: bool
) -> None:
    store.accept(accept(body, fresh=fresh, valid=valid))
    assert store.body(fingerprint(body)) == body


def test_body_of_a_failed_delivery_is_kept(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    assert store.body(fingerprint(BODY)) == BODY


def test_body_of_a_completed_delivery_is_deleted(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY))
    assert store.body(fingerprint(BODY)) is None


def test_unknown_operation_is_a_configuration_error(store: Subject) -> None:
    with pytest.raises(ConfigurationError, match=r"(cannot carry out|does not support) Operation"):
        store.ask(Operation())
