"""Operators list, show and replay deliveries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.cli.doctor.stores import check_store
from florentin_webhooks.core.replay import drop
from florentin_webhooks.testing import Provider, open_webhooks
from florentin_webhooks.testing.captures import load_capture
from tests.support.command_line import SECRET, error
from tests.support.operated import Operated


@pytest.fixture
def shop(directory: Path, redis_url: str) -> Iterator[Operated]:
    shop = Operated(directory, redis_url)
    yield shop
    shop.close()


def aged(age: timedelta) -> Provider:
    """A provider that stamps what happened some time ago."""
    return Provider(SECRET, clock=lambda: datetime.now(UTC) - age)


def failed(shop: Operated) -> str:
    """The fingerprint of a delivery whose inline handler has failed and is repaired."""
    broken = shop.put("broken")
    shop.provider.deliver(shop.hooks(), "user.login")
    broken.unlink()
    return str(shop.json("deliveries", "list", "--state", "failed")[0]["fingerprint"])


def test_empty_list_has_a_message(shop: Operated) -> None:
    result = shop.types("deliveries", "list")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert "No delivery was received yet." in result.stderr


def test_deliveries_are_listed_newest_first_and_filtered(shop: Operated) -> None:
    prints = [shop.sent(event) for event in ("user.login", "invoice.created", "tos.accepted")]
    listed = shop.json("deliveries", "list")
    assert [each["fingerprint"] for each in listed] == prints[::-1]
    assert [each["state"] for each in listed] == ["queued", "queued", "done"]
    assert shop.json("deliveries", "list", "--state", "done")[0]["fingerprint"] == prints[0]
    assert len(shop.json("deliveries", "list", "--event", "tos.accepted")) == 1
    assert len(shop.json("deliveries", "list", "--since", "10m", "--limit", "2")) == 2
    assert "is not an age" in error(shop.types("deliveries", "list", "--since", "soon"))
    assert f"waits for {shop.module}:bill" in shop.types("deliveries", "list").stdout


def test_list_spans_several_pages(shop: Operated) -> None:
    made = {shop.sent("invoice.created") for _ in range(230)}
    listed = shop.json("deliveries", "list", "--limit", "1000")
    assert {each["fingerprint"] for each in listed} == made


def test_prefix_shows_a_delivery_and_its_body_on_request(shop: Operated) -> None:
    fingerprint = shop.sent("invoice.created")
    plain = shop.types("deliveries", "show", fingerprint[:8]).stdout
    assert fingerprint in plain
    assert "amount_due" not in plain
    shown = json.loads(shop.types("deliveries", "show", fingerprint, "--body", "--json").stdout)
    assert shown["body"]["event"] == "invoice.created"
    assert '"amount_due": 4900' in shop.types("deliveries", "show", fingerprint, "--body").stdout


@pytest.mark.parametrize(
    ("word", "expected", "code"),
    [
        ("abc", "is fewer than 4 digits", 2),
        ("evt_1", "No delivery whose body is still kept has evt_1", 1),
        ("0000", "No delivery whose body is still kept", 1),
        ("0" * 32, "No delivery whose body is still kept", 1),
    ],
)
def test_unknown_fingerprint_is_refused(
    word: str, expected: str, code: int, shop: Operated
) -> None:
    result = shop.types("deliveries", "show", word)
    assert expected in error(result)
    assert result.exit_code == code


def test_name_without_digits_means_no_delivery(shop: Operated) -> None:
    shop.sent("user.login")
    for name in ("", " "):
        result = shop.types("deliveries", "replay", name)
        assert (result.exit_code, shop.effects()) == (2, ["greet"])
        assert "is not a fingerprint or delivery id" in error(result)


def test_extreme_filters_are_bounded_or_refused(shop: Operated) -> None:
    shop.sent("user.login")
    assert len(shop.json("deliveries", "list", "--limit", "9" * 20)) == 1
    result = shop.types("deliveries", "list", "--since", "1h", "--until", "2h")
    assert "--until ends before --since begins." in error(result)


def test_delivery_is_shown_by_its_delivery_id(shop: Operated) -> None:
    fingerprint = shop.sent("invoice.created")
    (listed,) = shop.json("deliveries", "list")
    (shown,) = shop.json("deliveries", "show", listed["delivery_id"])
    assert shown["fingerprint"] == fingerprint
    # The key of the delivery id lives as long as a finished delivery, its record longer.
    keys = shop.hooks().identity.delivery_id_keys(listed["delivery_id"])
    for key in keys:
        shop.client.delete(b"fl:i" + key)
    assert shop.json("deliveries", "show", listed["delivery_id"])[0]["fingerprint"] == fingerprint


def test_handlers_are_shown_with_attempts_and_next_time(shop: Operated) -> None:
    failing = shop.put("broken")
    fingerprint = shop.sent("invoice.created")
    shop.provider.deliver(shop.hooks(), "user.login")
    inline = shop.json("deliveries", "list", "--event", "user.login")[0]["fingerprint"]
    assert "greet: not done, 1 attempt\n" in shop.types("deliveries", "show", inline).stdout
    shop.finish_job(fingerprint, wait=90)
    plain = shop.types("deliveries", "show", fingerprint).stdout
    assert re.search(r"bill: waits in queue florentin, 1 attempt, next attempt .* in \d\d s", plain)
    assert "scheduled" in shop.types("deliveries", "list", "--state", "scheduled").stdout
    assert "next attempt in " in shop.types("deliveries", "list").stdout
    failing.unlink()


def test_list_can_set_the_exit_code(shop: Operated) -> None:
    check = ("deliveries", "list", "--state", "failed", "--exit-code")
    assert shop.types(*check).exit_code == 0
    failed(shop)
    assert shop.types(*check).exit_code == 1


def test_failed_delivery_is_replayed(shop: Operated) -> None:
    fingerprint = failed(shop)
    result = shop.types("deliveries", "replay", fingerprint[:10])
    assert (result.exit_code, shop.effects(), shop.states()) == (0, ["greet"], ["done"])
    assert "processed" in result.stdout
    assert result.stdout.startswith(fingerprint[:12])


def test_replay_by_filter_needs_confirmation(shop: Operated) -> None:
    for _ in range(3):
        failed(shop)
    asked = shop.types("deliveries", "replay", "--state", "failed")
    assert "Replay 3 deliveries?" in error(asked)
    assert shop.effects() == []
    replayed = shop.json("deliveries", "replay", "--state", "failed", "--yes")
    assert [each["outcome"] for each in replayed] == ["processed"] * 3
    assert shop.states() == ["done"] * 3


def test_replay_that_fails_again_exits_with_one(shop: Operated) -> None:
    fingerprint = failed(shop)
    shop.put("broken")
    result = shop.types("deliveries", "replay", fingerprint)
    assert "handler-failed" in result.stdout
    assert "adabooks" not in result.output
    assert result.exit_code == 1


def test_done_delivery_runs_again_only_with_all_handlers(shop: Operated) -> None:
    fingerprint = shop.sent("user.login")
    result = shop.types("deliveries", "replay", fingerprint)
    assert (result.exit_code, shop.effects()) == (1, ["greet"])
    assert "all its handlers are done" in result.stdout
    asked = error(shop.types("deliveries", "replay", fingerprint, "--all-handlers"))
    assert "Run all handlers again, even those that are done, of 1 delivery?" in asked
    assert shop.effects() == ["greet"]
    result = shop.types("deliveries", "replay", fingerprint, "--all-handlers", "--yes")
    assert (result.exit_code, shop.effects()) == (0, ["greet", "greet"])


def test_queued_delivery_is_not_replayed(shop: Operated) -> None:
    fingerprint = shop.sent("invoice.created")
    assert "it is queued" in shop.types("deliveries", "replay", fingerprint).stdout


def test_receiver_that_lost_its_queue_does_not_meet_itself(shop: Operated) -> None:
    shop.sent("invoice.created")
    hooks = Receiver(SECRET, store=shop.hooks().store)
    names = {check.name for check in check_store(hooks, shop.app)}
    assert "receivers-meet" not in names
    names = {check.name for check in check_store(hooks, "crm.hooks:hooks")}
    assert "receivers-meet" in names


def test_stale_delivery_is_replayed(shop: Operated) -> None:
    aged(timedelta(hours=2)).deliver(shop.hooks(), "user.login")
    fingerprint = shop.json("deliveries", "list", "--state", "stale")[0]["fingerprint"]
    assert shop.types("deliveries", "replay", fingerprint).exit_code == 0
    assert shop.effects() == ["greet"]


def test_stale_delivery_that_may_have_run_needs_yes(shop: Operated) -> None:
    aged(timedelta(days=3)).deliver(shop.hooks(), "user.login")
    fingerprint = shop.json("deliveries", "list", "--state", "stale")[0]["fingerprint"]
    refused = shop.types("deliveries", "replay", fingerprint)
    assert "it may have run before. Add --yes to run it anyway" in " ".join(refused.stdout.split())
    assert (refused.exit_code, shop.effects()) == (1, [])
    assert shop.types("deliveries", "replay", fingerprint, "--yes").exit_code == 0
    assert shop.effects() == ["greet"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "Name either fingerprints or filters."),
        (["--event", "user.login"], "Missing --state: name the state to replay."),
        (["--state", "done"], "All handlers of deliveries in state done have finished."),
        (["0000", "--state", "failed"], "Name either fingerprints or filters."),
    ],
)
def test_ambiguous_replay_is_refused(words: list[str], expected: str, shop: Operated) -> None:
    result = shop.types("deliveries", "replay", *words)
    assert expected in error(result)
    assert result.exit_code == 2


def test_exported_delivery_has_no_personal_data_and_is_replayed(
    shop: Operated, tmp_path: Path
) -> None:
    fingerprint = failed(shop)
    (written,) = shop.json("deliveries", "export", fingerprint[:8], "--to", str(tmp_path))
    path = Path(str(written["path"]))
    assert written["fingerprint"] == fingerprint
    assert path.name == f"user.login-{fingerprint[:12]}.json"
    text = path.read_text()
    assert not re.search("adabooks|Ada Byron|usr_31c8", text)
    assert re.search(r'"email": "[a-z]{3}@[a-z]{8}\.[a-z]{7}"', text)
    hooks = Receiver(SECRET)
    hooks.on("user.login")(repr)
    with open_webhooks(hooks) as webhooks:
        capture = load_capture(path)
        assert webhooks.replay(capture).outcome == "processed"
        assert webhooks.now == capture.received_at


def test_filters_choose_what_is_exported(shop: Operated, tmp_path: Path) -> None:
    shop.sent("invoice.created")
    fingerprint, folder = failed(shop), tmp_path / "new" / "captures"
    result = shop.types("deliveries", "export", "--state", "failed", "--to", str(folder))
    path = folder / f"user.login-{fingerprint[:12]}.json"
    assert (result.exit_code, result.stdout) == (0, f"{path}\n")
    assert list(folder.iterdir()) == [path]


def test_export_without_a_body_says_so(shop: Operated, tmp_path: Path) -> None:
    record = drop(shop.hooks(), failed(shop))
    result = shop.types("deliveries", "export", record.fingerprint, "--to", str(tmp_path))
    assert result.exit_code == 1
    assert "is deleted. Export deliveries that are newer, or not done." in result.stderr
    assert list(tmp_path.iterdir()) == []
    assert shop.json("deliveries", "show", record.fingerprint, "--body")[0]["body"] is None
