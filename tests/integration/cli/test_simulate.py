"""`florentin-webhooks simulate`: the documented request, and its webhook at a receiver."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.asgi import WebhookApp
from florentin_webhooks.events import AccountCreated
from tests.support.command_line import error, started, type_in
from tests.support.fork_server import START
from tests.support.server import Switchboard
from tests.support.waiting import eventually

SECRET = "a-secret-of-the-simulator-tests"
TOKEN = "42|kP3f9c-made-up"
CUSTOMER = {"name": "Ada Books", "email": "billing@adabooks.example"}


def test_created_customer_arrives_at_the_receiver(board: Switchboard, tmp_path: Path) -> None:
    emails: list[str | None] = []
    hooks = Receiver(SECRET)
    hooks.on(AccountCreated)(lambda event: emails.append(event.data.account.email))
    board.connect(WebhookApp(hooks))
    words = ["simulate", "--port", "0", "--token", TOKEN, "--data-dir", str(tmp_path / "state")]
    endpoint = ["--endpoint", f"http://127.0.0.1:{board.port}/", "--secret", SECRET]
    with started([*START, *words, *endpoint], cwd=tmp_path) as program:
        base = program.says(r"A local Florentin at (\S+) until")
        headers = {"Authorization": f"Bearer {TOKEN}"}
        made = httpx2.post(f"{base}/api/v1/customers", json=CUSTOMER, headers=headers)
        assert made.json()["meta"] == {"message": "Customer created successfully"}
        eventually(lambda: emails == [CUSTOMER["email"]])
        assert "account.created" in httpx2.get(f"{base}/").text
        assert program.end() == 130
        assert SECRET not in program.talk + program.data


def test_export_that_cannot_be_written_is_refused_at_start(tmp_path: Path) -> None:
    result = type_in("simulate", "--port", "0", "--export", str(tmp_path / "none" / "log.csv"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "No such file or directory" in error(result)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--token", "kP3f9c"], "does not have the form <id>|<secret>"),
        (["--secret", SECRET], "A secret needs an endpoint."),
        (["--endpoint", "shop", "--secret", SECRET], "is not an http:// or https:// URL."),
        (["--endpoint", "http://x/", "--secret", "short"], "fewer than"),
        (["--fault", "temper=1"], "'temper=1' is not a fault with its share."),
        (["--sender", "strip"], "Did you mean stripe?"),
        (["--sender", "sns", "--endpoint", "http://x/", "--secret", SECRET], "cannot be simulated"),
    ],
)
def test_wrong_option_is_explained(words: list[str], reason: str) -> None:
    result = type_in("simulate", "--port", "0", *words)
    assert result.exit_code == 2
    assert reason in error(result)
    assert SECRET not in result.output
