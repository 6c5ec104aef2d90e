"""What observers learn of deliveries and attempts, and that they change nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from florentin_webhooks import (
    AttemptReport,
    DeadReport,
    DeliveryReport,
    Discard,
    MemoryStore,
    Observer,
    Receiver,
    Reply,
    RetryLater,
)
from florentin_webhooks.core.log import DeadDelivery
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.handling import Receive, as_function, both_ways, named, raises
from tests.support.recorder import Recorder
from tests.support.shop import SECRET


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(SECRET, store=MemoryStore(), name="crm")


@pytest.fixture
def recorder(receiver: Receiver) -> Recorder:
    recorder = Recorder()
    receiver.observe(recorder)
    return recorder


@pytest.fixture
def made() -> SignedDelivery:
    return Provider(SECRET).make("invoice.created", invoice={"id": "inv_personal"})


def handles(receiver: Receiver, *errors: Exception | None) -> None:
    for number, error in enumerate(errors):
        body = raises(error) if error else lambda *_: None
        receiver.on("invoice.created")(named(f"h{number}", as_function(body)))


@both_ways
def test_handled_delivery_is_reported_with_its_duration(
    receiver: Receiver, recorder: Recorder, made: SignedDelivery, receive: Receive
) -> None:
    handles(receiver, None)
    reply = receive(receiver, made)
    (_, attempt), (_, report) = recorder.seen
    assert recorder.methods == ["handled", "accepted"]
    assert isinstance(report, DeliveryReport)
    assert isinstance(attempt, AttemptReport)
    assert report[:3] == ("crm", "Florentin", Outcome.PROCESSED)
    assert report.duration is not None
    assert 0 < attempt.duration < report.duration < 60
    assert (report.event, report.secret, report.reason) == ("invoice.created", "secret-1", "")
    assert report.fingerprint == attempt.fingerprint
    assert report.fingerprint in reply.body.decode()
    assert report.sent_at is not None
    assert report.received_at is not None
    assert attempt.handler.endswith(":h0")
    assert (attempt.outcome, attempt.attempt, attempt.queue, attempt.error) == ("done", 1, "", "")


def test_second_delivery_is_reported_as_duplicate_of_the_first(
    receiver: Receiver, recorder: Recorder, made: SignedDelivery
) -> None:
    handles(receiver, None)
    for _ in range(2):
        receiver.receive(*made)
    assert recorder.methods == ["handled", "accepted", "duplicate"]
    assert len({report.fingerprint for _, report in recorder.seen}) == 1


@pytest.mark.parametrize(
    ("error", "method", "outcome", "name"),
    [
        (ValueError("ada@adabooks.example"), "failed", "failed", "ValueError"),
        (RetryLater(5), "handled", "scheduled", ""),
        (Discard("known"), "handled", "discarded", ""),
    ],
)
def test_attempt_is_reported_with_its_end(
    receiver: Receiver,
    recorder: Recorder,
    made: SignedDelivery,
    error: Exception,
    method: str,
    outcome: str,
    name: str,
) -> None:
    handles(receiver, error)
    receiver.receive(*made)
    called, report = recorder.seen[0]
    assert isinstance(report, AttemptReport)
    assert (called, report.outcome, report.error) == (method, outcome, name)
    assert report.place.startswith("handling.py:") is (method == "failed")
    assert (report.next_attempt is not None) is (outcome == "scheduled")
    assert "ada@adabooks.example" not in repr(recorder.seen)


def test_text_of_an_error_is_for_observers_that_read_it(
    receiver: Receiver, recorder: Recorder, made: SignedDelivery
) -> None:
    reader = Recorder()
    reader.reads_error_text = True
    receiver.observe(reader)
    handles(receiver, ValueError("ada@adabooks.example" * 200))
    receiver.receive(*made)
    for seen, text in ((recorder.seen, ""), (reader.seen, "ada@adabooks.example" * 100)):
        report = seen[0][1]
        assert isinstance(report, AttemptReport)
        assert (report.error, report.text) == ("ValueError", text)


def test_delivery_from_the_store_is_reported(
    receiver: Receiver, recorder: Recorder, made: SignedDelivery
) -> None:
    handles(receiver, None)
    delivery, _ = receiver.verify(*made)
    run_sync(receiver.process(delivery, json.loads(made.body), receiver.blocking))
    (_, report) = recorder.seen[-1]
    assert isinstance(report, DeliveryReport)
    assert recorder.methods == ["handled", "accepted"]
    assert report.duration is not None


def refuse_signature(receiver: Receiver, made: SignedDelivery) -> Reply:
    return receiver.receive(made.headers, made.body + b" ")


def refuse_method(receiver: Receiver, _: SignedDelivery) -> Reply:
    return receiver.reject(Outcome.METHOD_NOT_ALLOWED, "GET")


@pytest.mark.parametrize("refuse", [refuse_signature, refuse_method])
def test_refused_request_is_reported_without_what_it_claims(
    receiver: Receiver, recorder: Recorder, made: SignedDelivery, refuse: Receive
) -> None:
    reply = refuse(receiver, made)
    ((method, report),) = recorder.seen
    assert isinstance(report, DeliveryReport)
    assert (method, report.outcome) == ("refused", reply.outcome)
    assert (report.event, report.fingerprint, report.secret) == ("", "", "")
    assert report.reason
    assert (report.duration is None) is (refuse is refuse_method)


def test_stale_delivery_is_refused_with_its_event(receiver: Receiver, recorder: Recorder) -> None:
    provider = Provider(SECRET, clock=lambda: datetime.now(UTC) - timedelta(days=2))
    assert receiver.receive(*provider.make("user.login")).outcome is Outcome.STALE
    ((method, report),) = recorder.seen
    assert isinstance(report, DeliveryReport)
    assert (method, report.event) == ("refused", "user.login")
    assert "old" in report.reason


def test_dead_delivery_is_reported(receiver: Receiver, recorder: Recorder) -> None:
    dead = DeadDelivery(
        fingerprint="ab" * 16,
        event="invoice.created",
        delivery_id=None,
        receiver="crm",
        queue="slow",
        attempts=6,
        reason="shop:bill: ValueError",
    )
    run_sync(receiver.reporter.died(receiver.blocking, dead))
    reason = "shop:bill: ValueError"
    report = DeadReport("crm", "Florentin", "invoice.created", "ab" * 16, "slow", 6, reason)
    assert recorder.seen == [("dead", report)]


def test_no_report_has_body_signature_or_secret(
    receiver: Receiver, recorder: Recorder, made: SignedDelivery
) -> None:
    handles(receiver, ValueError("ada"), None)
    receiver.receive(*made)
    refuse_signature(receiver, made)
    shown = repr(recorder.seen)
    assert "inv_personal" in made.body.decode()
    for hidden in ("inv_personal", SECRET, made.headers["X-Florentin-Signature"], "'ada'"):
        assert hidden not in shown


class Raising(Observer):
    def accepted(self, report: DeliveryReport, /) -> None:
        raise ValueError(report.event)


@both_ways
def test_observer_that_raises_is_logged_once_and_changes_nothing(
    receiver: Receiver, receive: Receive, caplog: pytest.LogCaptureFixture
) -> None:
    handles(receiver, None)
    recorder, provider = Recorder(), Provider(SECRET)
    receiver.observe(Raising())
    receiver.observe(recorder)
    for _ in range(3):
        reply = receive(receiver, provider.make("invoice.created"))
        assert reply.outcome is Outcome.PROCESSED
    assert recorder.methods == ["handled", "accepted"] * 3
    (line,) = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert "Raising.accepted failed: ValueError at test_notifier.py:" in line


@pytest.mark.parametrize("wrong", [Recorder, print, object()])
def test_observer_that_is_none_is_refused(receiver: Receiver, wrong: object) -> None:
    with pytest.raises(ConfigurationError, match="lacks methods of Observer, or is a class"):
        receiver.observe(wrong)  # type: ignore[arg-type]
    assert receiver.reporter.notifier is None


def test_methods_of_the_port_do_nothing_by_default(
    receiver: Receiver, made: SignedDelivery
) -> None:
    class Silent(Observer):
        pass

    receiver.observe(Silent())
    handles(receiver, ValueError())
    assert receiver.receive(*made).outcome is Outcome.HANDLER_FAILED
    assert receiver.receive(*made).outcome is Outcome.HANDLER_FAILED


def test_method_that_an_observer_sets_itself_is_called(
    receiver: Receiver, made: SignedDelivery
) -> None:
    handled: list[AttemptReport] = []

    class Silent(Observer):
        def __init__(self) -> None:
            self.handled = handled.append  # type: ignore[method-assign]

    receiver.observe(Silent())
    handles(receiver, None)
    receiver.receive(*made)
    assert [report.outcome for report in handled] == ["done"]
