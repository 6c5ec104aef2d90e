"""``trigger`` sends real requests and says what became of each."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from florentin_webhooks import Delivery, MemoryStore, Receiver
from florentin_webhooks.cli.devserver.web import PATH, program_around
from florentin_webhooks.events import CATALOGUE, Event
from tests.support.command_line import SECRET, error, started, type_in
from tests.support.server import under_uvicorn


@dataclass
class Target:
    url: str
    seen: list[Event] = field(default_factory=list[Event])
    deliveries: list[Delivery] = field(default_factory=list[Delivery])


@pytest.fixture(scope="module")
def receiver() -> Iterator[Target]:
    hooks = Receiver(SECRET, store=MemoryStore())
    place = Target("")

    @hooks.on(Event)
    def remember(event: Event, delivery: Delivery) -> None:
        place.seen.append(event)
        place.deliveries.append(delivery)

    with under_uvicorn(program_around(hooks), lifespan="on") as port:
        place.url = f"http://127.0.0.1:{port}{PATH}"
        yield place


@pytest.fixture
def target(receiver: Target) -> Target:
    """The receiver, which has seen nothing since this test began."""
    receiver.seen.clear()
    receiver.deliveries.clear()
    return receiver


def sent(target: Target, *words: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and what was told of each request."""
    result = type_in("trigger", *words, "--to", target.url, "--json")
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_without_an_event_the_events_are_listed() -> None:
    assert type_in("trigger").stdout == type_in("events").stdout
    assert type_in("trigger", "--json").stdout == type_in("events", "--json").stdout


@pytest.mark.parametrize("event", CATALOGUE)
def test_every_event_arrives(event: str, target: Target) -> None:
    code, (told,) = sent(target, event)
    assert code == 0
    assert [each.event for each in target.seen] == [event]
    assert (told["event"], told["status"], told["outcome"]) == (event, 200, "processed")
    assert told["fingerprint"] == target.deliveries[0].fingerprint
    assert told["delivery_id"] == target.deliveries[0].delivery_id
    assert told["milliseconds"] > 0


def test_each_request_is_one_line_for_people(target: Target) -> None:
    result = type_in("trigger", "user.login", "--to", target.url, "--duplicate")
    first, second = result.stdout.splitlines()
    assert first.startswith("user.login  ")
    assert "200 processed" in first
    assert first.endswith(" ms")
    assert target.deliveries[0].fingerprint in first
    assert "200 duplicate" in second
    assert second.endswith("same bytes again")


def test_lines_are_stacked_on_a_phone(target: Target) -> None:
    environ = {"COLUMNS": "40"}
    words = ["trigger", "subscription.downgraded", "--to", target.url, "--restamp"]
    result = type_in(*words, environ=environ)
    assert max(map(len, result.stdout.splitlines())) <= 40


def test_values_are_set_in_the_signed_body(target: Target) -> None:
    words = ["--set", "data.invoice.amount_due=0", "--set", "data.invoice.note=hello"]
    code, _ = sent(target, "invoice.created", *words)
    assert code == 0
    assert target.seen[0].data.invoice.amount_due == 0
    assert target.seen[0].data.invoice.note == "hello"


def test_several_deliveries_are_distinct(target: Target) -> None:
    code, told = sent(target, "invoice.created", "--times", "3")
    assert code == 0
    assert len({each["fingerprint"] for each in told}) == 3
    assert [each["outcome"] for each in told] == ["processed"] * 3


def test_a_duplicate_has_the_same_bytes_and_a_restamped_retry_has_not(target: Target) -> None:
    code, (first, again, anew) = sent(target, "user.login", "--duplicate", "--restamp")
    assert code == 0
    assert [each["outcome"] for each in (again, anew)] == ["duplicate", "duplicate"]
    assert again["fingerprint"] == first["fingerprint"] != anew["fingerprint"]
    assert again["delivery_id"] == first["delivery_id"] == anew["delivery_id"]
    assert len(target.seen) == 1


@pytest.mark.parametrize(
    ("option", "status", "outcome"),
    [("--tamper", 401, "invalid-signature"), ("--stale", 400, "stale")],
)
def test_a_refused_delivery_ends_with_one(
    option: str, status: int, outcome: str, target: Target
) -> None:
    result = type_in("trigger", "user.login", "--to", target.url, option, "--json")
    told = json.loads(result.stdout)
    assert (told["status"], told["outcome"]) == (status, outcome)
    assert result.exit_code == 1
    assert "1 of 1 requests were not answered with 2xx" in error(result)
    assert target.seen == []


def test_what_is_tampered_with_is_so_in_every_attempt(target: Target) -> None:
    code, told = sent(target, "user.login", "--tamper", "--duplicate", "--restamp")
    assert code == 1
    assert [each["outcome"] for each in told] == ["invalid-signature"] * 3
    notes = ["tampered", "same bytes again, tampered", "stamped anew, tampered"]
    assert [each["note"] for each in told] == notes
    assert target.seen == []


def test_a_stale_delivery_is_taken_when_it_is_stamped_anew(target: Target) -> None:
    code, told = sent(target, "user.login", "--stale", "--restamp")
    assert code == 1
    assert [each["outcome"] for each in told] == ["stale", "processed"]


def test_an_unknown_event_is_sent_only_if_that_is_meant(target: Target) -> None:
    result = type_in("trigger", "coupon.redeemed", "--to", target.url)
    assert result.exit_code == 2
    assert "there is no event" in error(result)
    code, (told,) = sent(target, "coupon.redeemed", "--unknown")
    assert (code, told["outcome"]) == (0, "processed")
    assert target.seen[0].event == "coupon.redeemed"


def test_a_wrong_path_is_explained(target: Target) -> None:
    wrong = target.url.removesuffix("/webhooks/florentin")
    result = type_in("trigger", "user.login", "--to", wrong)
    assert result.exit_code == 1
    assert "/webhooks/florentin" in error(result)


def test_a_secret_file_takes_the_place_of_the_environment(target: Target, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    other = {"FLORENTIN_WEBHOOK_SECRET": "some-other-secret-of-mine"}
    words = ["trigger", "user.login", "--to", target.url]
    assert type_in(*words, environ=other).exit_code == 1
    options = ["--secret-file", str(tmp_path / "secret")]
    assert type_in(*words, *options, environ=other).exit_code == 0


def test_a_target_where_nobody_listens_ends_with_four() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = type_in("trigger", "user.login", "--to", f"http://127.0.0.1:{port}/")
    assert result.exit_code == 4
    assert "nobody answers at" in error(result)


def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        words = ["-m", "florentin_webhooks", "trigger", "user.login", "--to", url]
        with started(words, cwd=tmp_path) as program:
            silent.settimeout(20)
            with silent.accept()[0]:
                assert program.end() == 130
    assert (program.data, program.talk) == ("", "\n")


class Foreign(BaseHTTPRequestHandler):
    """A program that is none of ours."""

    def do_POST(self) -> None:
        if self.path == "/moved":
            self.send_response(307)
            self.send_header("Location", "/else\x1b[2J")
        else:
            self.send_response(418)
        content = b'{"data": {"outcome": "\\u001b[2Jhello"}}'
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nobody asked."""


@pytest.fixture
def foreign() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Foreign) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/moved", "/teapot"])
def test_what_a_foreign_server_says_does_not_steer_the_terminal(path: str, foreign: str) -> None:
    result = type_in("trigger", "user.login", "--to", foreign + path)
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert ("follows no redirect" in error(result)) is (path == "/moved")
