"""``trigger`` sends real requests and prints each reply."""

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
from florentin_webhooks.cli.devserver.web import PATH, build_app
from florentin_webhooks.events import CATALOGUE, Event
from tests.support.command_line import SECRET, error, started, type_in
from tests.support.ports import free_port
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

    with under_uvicorn(build_app(hooks), lifespan="on") as port:
        place.url = f"http://127.0.0.1:{port}{PATH}"
        yield place


@pytest.fixture
def target(receiver: Target) -> Target:
    """The receiver, which has seen nothing since this test began."""
    receiver.seen.clear()
    receiver.deliveries.clear()
    return receiver


def sent(target: Target, *words: str) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code and what is reported of each request."""
    result = type_in("trigger", *words, "--to", target.url, "--json")
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_without_event_the_catalogue_is_listed() -> None:
    assert type_in("trigger").stdout == type_in("events").stdout
    assert type_in("trigger", "--json").stdout == type_in("events", "--json").stdout


@pytest.mark.parametrize("event", CATALOGUE)
def test_every_event_arrives(event: str, target: Target) -> None:
    code, (returned,) = sent(target, event)
    assert code == 0
    assert [each.event for each in target.seen] == [event]
    assert (returned["event"], returned["status"], returned["outcome"]) == (event, 200, "processed")
    assert returned["fingerprint"] == target.deliveries[0].fingerprint
    assert returned["delivery_id"] == target.deliveries[0].delivery_id
    assert returned["milliseconds"] > 0


def test_each_request_is_one_line(target: Target) -> None:
    result = type_in("trigger", "user.login", "--to", target.url, "--duplicate")
    first, second = result.stdout.splitlines()
    assert first.startswith("user.login  ")
    assert "200 processed" in first
    assert first.endswith(" ms")
    assert target.deliveries[0].fingerprint in first
    assert "200 duplicate" in second
    assert second.endswith("duplicate")


def test_lines_are_stacked_on_narrow_terminals(target: Target) -> None:
    environ = {"COLUMNS": "40"}
    words = ["trigger", "subscription.downgraded", "--to", target.url, "--restamp"]
    result = type_in(*words, environ=environ)
    assert max(map(len, result.stdout.splitlines())) <= 40


def test_overrides_are_part_of_the_signed_body(target: Target) -> None:
    words = ["--set", "data.invoice.amount_due=0", "--set", "data.invoice.note=hello"]
    code, _ = sent(target, "invoice.created", *words)
    assert code == 0
    assert target.seen[0].data.invoice.amount_due == 0
    assert target.seen[0].data.invoice.note == "hello"


def test_several_deliveries_are_distinct(target: Target) -> None:
    code, returned = sent(target, "invoice.created", "--times", "3")
    assert code == 0
    assert len({each["fingerprint"] for each in returned}) == 3
    assert [each["outcome"] for each in returned] == ["processed"] * 3


def test_duplicate_and_restamped_retry_are_not_handled_again(target: Target) -> None:
    code, (first, again, restamped) = sent(target, "user.login", "--duplicate", "--restamp")
    assert code == 0
    assert [each["outcome"] for each in (again, restamped)] == ["duplicate", "duplicate"]
    assert again["fingerprint"] == first["fingerprint"] != restamped["fingerprint"]
    assert again["delivery_id"] == first["delivery_id"] == restamped["delivery_id"]
    assert len(target.seen) == 1


@pytest.mark.parametrize(
    ("option", "status", "outcome"),
    [("--tamper", 401, "invalid-signature"), ("--stale", 400, "stale")],
)
def test_rejected_delivery_exits_with_one(
    option: str, status: int, outcome: str, target: Target
) -> None:
    result = type_in("trigger", "user.login", "--to", target.url, option, "--json")
    returned = json.loads(result.stdout)
    assert (returned["status"], returned["outcome"]) == (status, outcome)
    assert result.exit_code == 1
    assert "1 of 1 replies were not 2xx." in error(result)
    assert target.seen == []


def test_every_attempt_is_tampered_with(target: Target) -> None:
    code, returned = sent(target, "user.login", "--tamper", "--duplicate", "--restamp")
    assert code == 1
    assert [each["outcome"] for each in returned] == ["invalid-signature"] * 3
    notes = ["tampered", "duplicate, tampered", "re-stamped, tampered"]
    assert [each["note"] for each in returned] == notes
    assert target.seen == []


def test_restamped_stale_delivery_is_processed(target: Target) -> None:
    code, returned = sent(target, "user.login", "--stale", "--restamp")
    assert code == 1
    assert [each["outcome"] for each in returned] == ["stale", "processed"]


def test_unknown_event_needs_the_option(target: Target) -> None:
    result = type_in("trigger", "coupon.redeemed", "--to", target.url)
    assert result.exit_code == 2
    assert "There is no event" in error(result)
    code, (returned,) = sent(target, "coupon.redeemed", "--unknown")
    assert (code, returned["outcome"]) == (0, "processed")
    assert target.seen[0].event == "coupon.redeemed"


def test_wrong_path_has_a_hint(target: Target) -> None:
    wrong = target.url.removesuffix("/webhooks/florentin")
    result = type_in("trigger", "user.login", "--to", wrong)
    assert result.exit_code == 1
    assert "/webhooks/florentin" in error(result)


def test_secret_file_replaces_the_environment(target: Target, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    other = {"FLORENTIN_WEBHOOK_SECRET": "some-other-secret-of-mine"}
    words = ["trigger", "user.login", "--to", target.url]
    assert type_in(*words, environ=other).exit_code == 1
    options = ["--secret-file", str(tmp_path / "secret")]
    assert type_in(*words, *options, environ=other).exit_code == 0


def test_unreachable_target_exits_with_four() -> None:
    port = free_port()
    result = type_in("trigger", "user.login", "--to", f"http://127.0.0.1:{port}/")
    assert result.exit_code == 4
    said = error(result)
    assert f"No answer from http://127.0.0.1:{port}/: Connection refused." in said
    assert f"dev shop.hooks:hooks --port {port}" in said


def test_target_without_tls_has_a_hint(target: Target) -> None:
    result = type_in("trigger", "user.login", "--to", target.url.replace("http", "https", 1))
    assert "Use http:// if the server has no TLS" in error(result)
    assert result.exit_code == 4


def test_ctrl_c_exits_with_130_without_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        words = ["-m", "florentin_webhooks", "trigger", "user.login", "--to", url]
        with started(words, cwd=tmp_path) as program:
            silent.settimeout(60)
            with silent.accept()[0]:
                assert program.end() == 130
    assert (program.data, program.talk) == ("", "\n")


class Foreign(BaseHTTPRequestHandler):
    """A foreign program."""

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
        """Log nothing."""


@pytest.fixture
def foreign() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Foreign) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/moved", "/teapot"])
def test_foreign_reply_cannot_steer_the_terminal(path: str, foreign: str) -> None:
    result = type_in("trigger", "user.login", "--to", foreign + path)
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert ("Florentin follows no redirects" in error(result)) is (path == "/moved")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["user.login", "--to", "ftp://x"], "http://"),
        (["user.login", "--to", "http://x:99999/"], "http://"),
        (["user.login", "--set", "data"], "--set data.invoice"),
        (["a\nb", "--unknown"], "HTTP"),
    ],
)
def test_invalid_request_is_refused_with_a_hint(words: list[str], hint: str) -> None:
    result = type_in("trigger", *words)
    assert hint in error(result)
    assert (result.exit_code, result.stdout) == (2, "")
