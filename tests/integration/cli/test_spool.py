"""``spool`` lists and drains what waits, and ``queue``, ``doctor`` and ``health`` show it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from florentin_webhooks import Spool
from tests.support.command_line import error
from tests.support.operated import Operated

GONE = "redis://127.0.0.1:1/0"


class SpooledProgram(Operated):
    """A program with a spool, which loses its Redis when a test says so."""

    def __init__(self, directory: Path, url: str, *, gone: bool) -> None:
        super().__init__(directory, url)
        self.path = directory / "spool.db"
        module = directory / f"{self.module}.py"
        text = module.read_text().replace(
            'store=RedisStore(os.environ.get("SHOP_REDIS", URL)),',
            f"store=RedisStore({GONE if gone else url!r}), spool={str(self.path)!r},",
        )
        module.write_text(text.replace("inline = Receiver(SECRET)", ""))

    def change(self, statement: str) -> None:
        """Change the file of its spool."""
        Spool(self.path)._connector.run(lambda it: it.execute(statement))


@pytest.fixture
def away(directory: Path, redis_url: str) -> Iterator[SpooledProgram]:
    program = SpooledProgram(directory, redis_url, gone=True)
    yield program
    program.close()


@pytest.fixture
def back(directory: Path, redis_url: str) -> Iterator[SpooledProgram]:
    """The same program, with its Redis."""
    program = SpooledProgram(directory, redis_url, gone=False)
    yield program
    program.close()


def test_waiting_deliveries_are_listed_without_the_store(away: SpooledProgram) -> None:
    assert "Nothing waits in the spool" in away.types("spool", "list").stderr
    fingerprint = away.sent("user.login")
    away.sent("invoice.created")
    listed = away.json("spool", "list")
    assert [each["event"] for each in listed] == ["user.login", "invoice.created"]
    assert listed[0]["fingerprint"] == fingerprint
    assert fingerprint in away.types("spool", "list").stdout
    drained = away.types("spool", "drain")
    assert (drained.exit_code, "does not answer" in drained.stderr) == (4, True)


def test_drained_deliveries_run_here_or_in_workers(
    away: SpooledProgram, back: SpooledProgram
) -> None:
    away.sent("user.login")
    away.sent("invoice.created")
    result = back.types("spool", "drain")
    assert result.stdout == "Drained: 1 processed, 1 accepted.\n"
    assert (result.exit_code, back.effects()) == (0, ["greet"])
    assert sorted(back.states()) == ["done", "queued"]
    nothing = {"outcomes": {}, "left": 0, "foreign": 0}
    assert json.loads(back.types("spool", "drain", "--json").stdout) == nothing


def test_entries_that_cannot_be_read_stay_and_are_named(
    away: SpooledProgram, back: SpooledProgram
) -> None:
    away.sent("user.login")
    away.change("UPDATE deliveries SET content = x'00'")
    assert back.json("spool", "list")[0]["problem"] == "its content is damaged"
    result = back.types("spool", "drain")
    assert (result.exit_code, "1 stay" in result.stderr) == (1, True)


def test_entries_of_another_secret_stay_and_are_no_failure(
    away: SpooledProgram, back: SpooledProgram
) -> None:
    away.sent("user.login")
    away.change("UPDATE deliveries SET owner = '- 00'")
    assert (
        back.json("spool", "list")[0]["problem"] == "it belongs to a receiver with another secret"
    )
    result = back.types("spool", "drain")
    assert (result.exit_code, result.stdout) == (0, "Drained: nothing.\n")
    assert "1 wait for a receiver with another secret." in result.stderr


def test_spool_that_another_process_drains_is_left_to_it(
    back: SpooledProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("florentin_webhooks.cli.commands.spool.spool.PATIENCE", 0.0)
    assert Spool(back.path).claim("another", 30)
    result = back.types("spool", "drain")
    assert result.exit_code == 1
    assert f"Another process drains the spool {back.path} right now." in error(result)


def test_other_commands_show_what_waits(away: SpooledProgram, back: SpooledProgram) -> None:
    away.sent("invoice.created")
    problem = "1 delivery waits in the spool, the oldest for"
    for program, code in ((away, 4), (back, 1)):
        result = program.types("queue")
        assert result.exit_code == code
        assert f"spool {away.path}" in result.stdout
    assert problem in back.types("queue").stderr
    assert back.json("queue")[0]["waiting"] == 1
    checks = {each["check"]: each for each in back.json("doctor")}
    assert checks["spool"]["state"] == "warn"
    assert checks["spool"]["message"].startswith(problem)
    found = back.json("health")[0]
    assert [each["name"] for each in found["checks"]][:2] == ["store", "spool"]
    assert away.types("health").exit_code == 1  # Its spool takes deliveries.


def test_worker_drains_the_spool_of_its_receiver(
    away: SpooledProgram, back: SpooledProgram
) -> None:
    away.sent("user.login")
    away.sent("invoice.created")
    assert back.works().wait() == 0
    assert back.effects() == ["greet", "bill begins", "bill ends"]
    assert not Spool(back.path).has_waiting()


def test_program_without_a_spool_gets_a_hint(directory: Path, redis_url: str) -> None:
    program = Operated(directory, redis_url)
    result = program.types("spool", "list")
    assert result.exit_code == 2
    assert 'spool="/var/lib/shop/spool.db"' in result.stderr
    program.close()
