"""Which deliveries are the same one: the second key, on every store there is."""

from collections.abc import Callable

import pytest

from florentin_webhooks.core.stores.accept import AcceptDecision, Claim
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.stores import Span, Subject, accept, claimed, content, finish

pytestmark = pytest.mark.answers("RPL-02", "RPL-12")

Make = Callable[[Span], Subject]
RETENTION = 600
BODY = content()
LATER = content(stamped="12:00:30")
OTHER = content(2)


def done(store: Subject, body: bytes, under: str | None = "id-1") -> None:
    claimed(store, body, under=under)
    assert store.finish(finish(body)) is State.DONE


def test_restamped_retry_of_a_completed_delivery_is_a_duplicate(store: Subject) -> None:
    done(store, BODY)
    claim = store.accept(accept(LATER, token=b"other"))
    assert (claim.decision, claim.key) == (AcceptDecision.DUPLICATE, fingerprint(BODY))


def test_restamped_retry_of_a_running_delivery_is_in_progress(store: Subject) -> None:
    claimed(store, BODY)
    claim = store.accept(accept(LATER, token=b"other"))
    assert (claim.decision, claim.key) == (AcceptDecision.IN_PROGRESS, fingerprint(BODY))


def test_restamped_retry_continues_a_failed_delivery(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED, handler="one"))
    claim = claimed(store, LATER, token=b"other")
    assert claim == Claim(AcceptDecision.RUN, fingerprint(BODY), attempt=2, done=frozenset({"one"}))


def test_completed_restamped_retry_completes_the_first_delivery(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    claimed(store, LATER, token=b"other")
    store.finish(finish(BODY, token=b"other"))
    assert store.accept(accept(BODY, token=b"third")).decision is AcceptDecision.DUPLICATE
    assert store.accept(accept(LATER, token=b"third")).decision is AcceptDecision.DUPLICATE


def test_repeated_accept_of_a_restamped_retry_keeps_the_lease(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    assert claimed(store, LATER, token=b"other") == claimed(store, LATER, token=b"other")


def test_restamped_retry_of_a_stale_delivery_runs(store: Subject) -> None:
    store.accept(accept(BODY, fresh=False))
    assert claimed(store, LATER, token=b"other").key == fingerprint(BODY)


@pytest.mark.parametrize("under", ["id-2", None])
def test_captured_retry_is_a_duplicate_under_any_id(store: Subject, under: str | None) -> None:
    done(store, BODY)
    store.accept(accept(LATER, token=b"other"))
    claim = store.accept(accept(LATER, token=b"third", under=under))
    assert (claim.decision, claim.key) == (AcceptDecision.DUPLICATE, fingerprint(BODY))


def test_captured_retry_of_a_running_delivery_is_in_progress(store: Subject) -> None:
    claimed(store, BODY)
    store.accept(accept(LATER, token=b"other"))
    claim = store.accept(accept(LATER, token=b"third", under="id-2"))
    assert (claim.decision, claim.key) == (AcceptDecision.IN_PROGRESS, fingerprint(BODY))


def test_restamped_retry_has_the_full_retention(make: Make) -> None:
    store = make(Span(retention=RETENTION))
    done(store, BODY)
    store.passes(400)
    store.accept(accept(LATER, token=b"other"))
    store.passes(300)
    claim = store.accept(accept(LATER, token=b"third", under="id-2"))
    assert claim.decision is AcceptDecision.DUPLICATE


def test_restamped_retry_is_deleted_after_the_retention(make: Make) -> None:
    store = make(Span(retention=RETENTION))
    done(store, BODY)
    store.accept(accept(LATER, token=b"other"))
    store.passes(RETENTION)
    assert claimed(store, LATER, token=b"other") == Claim(AcceptDecision.RUN, fingerprint(LATER))


def test_retry_key_is_deleted_after_the_retention(make: Make) -> None:
    store = make(Span(retention=RETENTION))
    done(store, BODY)
    store.passes(RETENTION)
    assert claimed(store, LATER, token=b"other") == Claim(AcceptDecision.RUN, fingerprint(LATER))


def test_other_timestamp_without_an_id_is_another_event(store: Subject) -> None:
    done(store, BODY, under=None)
    assert claimed(store, LATER, token=b"other", under=None).key == fingerprint(LATER)


def test_other_timestamp_under_another_id_is_another_event(store: Subject) -> None:
    done(store, BODY)
    assert claimed(store, LATER, token=b"other", under="id-2").key == fingerprint(LATER)


def test_other_body_under_a_known_id_runs_and_is_reported(store: Subject) -> None:
    done(store, BODY)
    claim = claimed(store, OTHER, token=b"other")
    assert claim.id_reused or store.lanes > 1  # Other content may be in another lane.
    assert claim._replace(id_reused=False) == Claim(AcceptDecision.RUN, fingerprint(OTHER))


def test_both_bodies_under_one_id_are_duplicates(store: Subject) -> None:
    done(store, BODY)
    done(store, OTHER)
    later = content(2, stamped="12:00:30")
    assert store.accept(accept(LATER)).key == fingerprint(BODY)
    assert store.accept(accept(later)).key == fingerprint(OTHER)


def test_known_delivery_does_not_reuse_its_id(store: Subject) -> None:
    done(store, BODY)
    done(store, OTHER)
    assert not store.accept(accept(OTHER, token=b"other")).id_reused


@pytest.mark.parametrize("state", [State.RUNNING, State.FAILED, State.DONE])
def test_known_delivery_under_another_id_is_reported(store: Subject, state: State) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, state))
    claim = store.accept(accept(BODY, token=b"other", under="id-2"))
    assert (claim.id_changed, claim.id_reused) == (True, False)


@pytest.mark.parametrize("under", ["id-1", None])
def test_known_delivery_under_its_id_or_none_is_not_reported(
    store: Subject, under: str | None
) -> None:
    done(store, BODY)
    assert not store.accept(accept(BODY, token=b"other", under=under)).id_changed


def test_id_of_an_unstored_delivery_is_not_trusted(store: Subject) -> None:
    done(store, BODY)
    store.accept(accept(OTHER, under="id-2"))
    assert store.accept(accept(LATER, under="id-2", token=b"other")).decision is AcceptDecision.RUN
