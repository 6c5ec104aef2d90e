"""Attacks on what is written down: forged lines, and secrets that leak."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import traceback
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError, InvalidSignature
from florentin_webhooks.events import Event
from florentin_webhooks.signatures import FlorentinSignature
from tests.support.receivers import Target, everything_in
from tests.support.vectors import CANONICAL, SECRET, Request, delivery, envelope, sign

FORGED = "sha256=" + "0" * 64
INJECTIONS = {
    "line feed": "x\n2026 INFO accepted evt_forged",
    "carriage return": "x\rINFO accepted",
    "next line": "x\x85INFO accepted",
    "separator in UTF-8": "x\xe2\x80\xa8INFO accepted",
    "escape": "x\x1b[31mred",
    "null": "x\x00y",
    "64 KiB": "x" * 65_536,
}


def printed(send: Callable[[], object]) -> str:
    """What a handler that does nothing clever writes to a file."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log = logging.getLogger("florentin_webhooks")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        send()
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    return stream.getvalue()


def assert_one_harmless_line(text: str) -> None:
    assert text.endswith("\n")
    assert text[:-1].isascii()
    assert text[:-1].isprintable()
    assert len(text) < 1_024


def forged(request: Request) -> Request:
    return request.with_headers(("X-Florentin-Signature", FORGED))


@pytest.mark.answers("LOG-01")
@pytest.mark.parametrize("value", INJECTIONS.values(), ids=INJECTIONS)
@pytest.mark.parametrize(
    "name",
    ["X-Florentin-Delivery-Id", "X-Florentin-Event", "X-Florentin-Timestamp", "Content-Length"],
)
@pytest.mark.parametrize("kind", [forged, lambda request: request], ids=["forged", "genuine"])
def test_header_writes_no_log_line(
    name: str, value: str, kind: Callable[[Request], Request]
) -> None:
    target, request = Target(), kind(delivery().with_headers((name, value)))
    assert_one_harmless_line(printed(lambda: target.receiver.receive(request.headers, CANONICAL)))


@pytest.mark.parametrize("value", INJECTIONS.values(), ids=INJECTIONS)
def test_method_writes_no_log_line(value: str) -> None:
    target = Target()
    assert_one_harmless_line(printed(lambda: target.receiver.screen(value, [])))


@given(event=st.text(max_size=300), delivery_id=st.text(max_size=300))
def test_event_name_writes_no_log_line(event: str, delivery_id: str) -> None:
    target, body = Target(), envelope({}, event)
    headers = [("X-Florentin-Signature", sign(body)), ("X-Florentin-Delivery-Id", delivery_id)]
    assert_one_harmless_line(printed(lambda: target.receiver.receive(headers, body)))


def test_long_names_are_cut_to_64_characters() -> None:
    request = delivery(envelope({}, "e" * 200), event="e" * 200, delivery_id="d" * 200)
    line = printed(lambda: Target().send(request))
    assert f"event={'e' * 64} delivery_id={'d' * 64}\n" in line


def test_forgeries_are_logged_at_ten_lines_a_second() -> None:
    target = Target()

    def flood() -> None:
        for _ in range(1_000):
            target.send(delivery(signature=FORGED))
        target.clock.forward(seconds=1)
        target.send(delivery(signature=FORGED))

    lines = printed(flood).splitlines()
    assert len(lines) == 12
    assert "990 more requests were rejected" in lines[10]


def test_forgeries_do_not_suppress_lines_about_genuine_deliveries() -> None:
    target = Target()
    for _ in range(1_000):
        target.send(delivery(signature=FORGED))
    assert "malformed" in printed(lambda: target.send(delivery(b"[]")))
    assert "processed" in printed(lambda: target.send(delivery()))


def failing(error: BaseException) -> Target:
    target = Target(handled=False)

    @target.receiver.on(Event)
    def fails(_: Event) -> None:
        raise error

    return target


PERSONAL = ValueError("ada@adabooks.example\nINFO processed")


def with_values(log: pytest.LogCaptureFixture) -> str:
    """Return all that a tool can read from the records: with every frame's variables."""
    raised = [record.exc_info[1] for record in log.records if record.exc_info]
    return everything_in(log) + "".join(with_locals(each) for each in raised if each)


@pytest.mark.answers("LOG-02")
def test_exception_text_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    failing(PERSONAL).send(delivery())
    written = with_values(caplog)
    assert "ada@adabooks.example" not in written
    assert "inv_1" not in written
    assert "ValueError at test_log_attacks.py:" in caplog.text


@pytest.mark.answers("LOG-02")
def test_exception_text_is_escaped_in_its_log_line(caplog: pytest.LogCaptureFixture) -> None:
    target = failing(PERSONAL)
    target.receiver.reporter.log.error_text = True
    target.send(delivery())
    (record,) = caplog.records
    assert "ValueError: ada@adabooks.example\\nINFO processed at" in record.getMessage()
    assert_one_harmless_line(record.getMessage() + "\n")


def test_exception_text_is_not_in_the_reply() -> None:
    assert b"ada@" not in failing(PERSONAL).send(delivery()).body


THINGS: dict[str, Callable[[], object]] = {
    "receiver": lambda: Target().receiver,
    "scheme": lambda: FlorentinSignature(SECRET),
    "scheme with bytes": lambda: FlorentinSignature({"new": SECRET.encode()}),
    "delivery": lambda: Target().receiver.verify(delivery().headers, CANONICAL)[0],
    "event": lambda: Target().receiver.verify(delivery().headers, CANONICAL)[1],
    "reply": lambda: Target().send(delivery()),
    "refusal": lambda: Target().send(delivery(signature=FORGED)),
    "error": lambda: Target().send(delivery(signature=FORGED)).error,
}


def spelled(thing: object) -> str:
    """*thing* in every way in which it is likely to end up in a text, two levels deep."""
    inner = getattr(thing, "__dict__", {})
    deeper = [vars(value) for value in inner.values() if hasattr(value, "__dict__")]
    fields = dataclasses.fields(thing) if dataclasses.is_dataclass(thing) else ()
    return f"{thing!r} {thing} {inner} {deeper} {[getattr(thing, f.name) for f in fields]}"


@pytest.mark.answers("LOG-03")
@pytest.mark.parametrize("make", THINGS.values(), ids=THINGS)
def test_secret_is_not_logged_in_any_form(make: Callable[[], object]) -> None:
    reported = spelled(make())
    pieces = {SECRET[start : start + 8] for start in range(len(SECRET) - 7)}
    assert not [piece for piece in pieces if piece in reported]


@pytest.mark.parametrize("make", THINGS.values(), ids=THINGS)
def test_reprs_hold_no_body_and_no_signature(make: Callable[[], object]) -> None:
    reported = repr(make())
    assert "inv_1" not in reported
    assert sign(CANONICAL)[7:] not in reported


def with_locals(error: BaseException) -> str:
    """What an error tracker sends away: the traceback with every local variable."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.answers("LOG-04")
@pytest.mark.parametrize("signature", [FORGED, "sha256=abc", sign(CANONICAL)[7:]])
def test_traceback_of_a_refusal_holds_no_secret(signature: str) -> None:
    receiver = Target().receiver
    with pytest.raises(InvalidSignature) as refused:
        receiver.verify(delivery(signature=signature).headers, CANONICAL)
    assert SECRET not in with_locals(refused.value)


@pytest.mark.answers("LOG-04")
def test_traceback_of_a_handler_holds_no_secret() -> None:
    target, reported = Target(handled=False), list[str]()

    @target.receiver.on(Event)
    def looks_around(_: Event) -> None:
        frames = [frame for frame, _ in traceback.walk_stack(None)]
        ours = [f for f in frames if f.f_globals["__name__"].startswith("florentin_webhooks")]
        reported.extend(repr(frame.f_locals) for frame in ours)

    target.send(delivery())
    assert len(reported) > 3
    assert not [text for text in reported if SECRET in text]


@pytest.mark.answers("LOG-05")
@pytest.mark.parametrize("body", [CANONICAL, b"[]", CANONICAL.replace(b"1999", b"null")])
@pytest.mark.parametrize("signature", [FORGED, None])
def test_valid_signature_is_not_logged(
    body: bytes, signature: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reply = Target().send(delivery(body, signature=signature))
    everything = f"{everything_in(caplog)} {reply!r} {reply.error!r} {reply.body!r}"
    assert sign(body)[7:] not in everything


@pytest.mark.answers("LOG-06")
def test_other_headers_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    private = {"Authorization": "Bearer 42|kP3f9c", "Cookie": "session=s3ss10n", "X-Secret": SECRET}
    for request in (delivery(), delivery(signature=FORGED), delivery(b"{}")):
        Target().send(request.with_headers(*private.items()))
    written = everything_in(caplog)
    assert not [value for value in private.values() if value in written]


@pytest.mark.answers("LOG-07")
def test_extra_fields_of_log_records_are_documented(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    Target().send(delivery())
    (record,) = caplog.records
    plain = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}
    documented = {"outcome", "fingerprint", "event", "delivery_id", "secret"}
    assert vars(record).keys() - plain == documented
    assert vars(record)["secret"] == "secret-1"


def test_invalid_values_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = CANONICAL.replace(b"1999", b'"ada@adabooks.example"')
    reply = Target().send(delivery(body))
    assert reply.outcome == "invalid-event"
    assert "data.invoice.amount_due" in caplog.text
    assert "ada@" not in everything_in(caplog) + json.dumps(str(reply.error)) + repr(reply.body)


def test_configuration_error_does_not_quote_the_secret() -> None:
    with pytest.raises(ConfigurationError, match="retention") as refused:
        Receiver(SECRET, tolerance=timedelta(days=2))
    assert SECRET not in repr(refused.value)
