"""One log line for each delivery and outcome, without its content."""

from __future__ import annotations

import errno
import io
import logging
from typing import Literal

import pytest
from pydantic import BaseModel

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.core.log import logger
from florentin_webhooks.events import UsageMetricsUpdated
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.identity import recorded_key
from tests.support.shop import SECRET, Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="florentin_webhooks")
    return caplog


def lines(log: pytest.LogCaptureFixture, made: SignedDelivery) -> list[tuple[int, str]]:
    """Level and outcome of each line that is about *made*."""
    key = recorded_key(made.body, SECRET).hex()
    return [
        (record.levelno, record.outcome)
        for record in log.records
        if hasattr(record, "outcome") and key in record.getMessage()
    ]


def test_a_delivery_that_is_processed_is_one_line(
    scene: Scene, log: pytest.LogCaptureFixture
) -> None:
    made = scene.invoice()
    scene.send(made)
    assert lines(log, made) == [(logging.INFO, "processed")]


def test_unhandled_delivery_is_one_line_with_its_fingerprint(
    scene: Scene, log: pytest.LogCaptureFixture
) -> None:
    made = scene.provider.make("tos.accepted")
    scene.send(made)
    assert lines(log, made) == [(logging.INFO, "ignored")]


def test_a_duplicate_is_one_line(scene: Scene, log: pytest.LogCaptureFixture) -> None:
    made = scene.invoice()
    scene.send(made)
    log.clear()
    scene.send(made)
    assert lines(log, made) == [(logging.INFO, "duplicate")]


def test_restamped_retry_is_logged_under_the_first_fingerprint(
    scene: Scene, log: pytest.LogCaptureFixture
) -> None:
    text = '{"event": "tos.accepted", "timestamp": "2026-06-06T12:00:0%d.000Z", "data": {}}'
    first, later = (scene.signed(text % second, "tos.accepted") for second in (0, 1))
    receiver = Receiver(SECRET, store=scene.store, clock=scene.clock)
    receiver.on("tos.accepted")(lambda _: None)
    for made in (first, later):
        receiver.receive(*made)
    assert lines(log, later) == []
    assert lines(log, first) == [(logging.INFO, "processed"), (logging.INFO, "duplicate")]


def test_old_delivery_is_a_warning_with_its_age(
    scene: Scene, log: pytest.LogCaptureFixture
) -> None:
    made = scene.invoice()
    scene.clock.forward(hours=2)
    scene.send(made)
    assert lines(log, made) == [(logging.WARNING, "stale")]
    assert "7200 s old; the limit is 900 s" in log.text


def test_an_invalid_event_is_an_error_that_names_its_fields(
    scene: Scene, log: pytest.LogCaptureFixture
) -> None:
    made = scene.invalid()
    scene.send(made)
    assert lines(log, made) == [(logging.ERROR, "invalid-event")]
    assert "data.invoice.amount_due" in log.text


def test_field_names_cannot_add_or_lengthen_log_lines(
    log: pytest.LogCaptureFixture,
) -> None:
    class Data(BaseModel):
        metrics: dict[str, int]

    class Strict(UsageMetricsUpdated):
        event: Literal["usage.metrics_updated"]
        data: Data  # type: ignore[assignment]  # a model of the user's own.

    receiver = Receiver(SECRET, store=MemoryStore())
    receiver.on(Strict)(lambda _: None)
    hostile = {f"\nERROR forged {number} \x1b[2J\u2028": "x" for number in range(1000)}
    reply = receiver.receive(*Provider(SECRET).make("usage.metrics_updated", metrics=hostile))
    assert reply.outcome is Outcome.INVALID_EVENT
    (line,) = (record.getMessage() for record in log.records)
    assert line.isprintable()
    assert line.isascii()
    assert len(line) < 2000


class FullDisk(io.StringIO):
    """A file on a disk without any room."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.usefixtures("log")
def test_full_disk_is_not_a_failure(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logger, "handlers", [logging.StreamHandler(FullDisk())])
    assert scene.send(scene.invoice()).outcome is Outcome.PROCESSED
    assert "No space left on device" in capsys.readouterr().err
