"""Flask's apps and factories in workers and under ``flask florentin``, with a real Redis and RQ."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import Result
from flask import Flask
from flask.cli import FlaskGroup

from florentin_webhooks.cli.loader import load
from florentin_webhooks.testing import Provider
from tests.support.command_line import SECRET, CliRunner, Program, error, python, started
from tests.support.flask_apps import post

PATH = "/webhooks/florentin"
SHOP = """
import time
from pathlib import Path

from flask import Flask, current_app
from florentin_webhooks import events
from florentin_webhooks.flask import FlorentinWebhooks

florentin = FlorentinWebhooks()
here = Path(__file__).parent

def note(text: str) -> None:
    with (here / "effects").open("a") as file:
        file.write(text + "\\n")

@florentin.on("invoice.created")
def bill(event: events.InvoiceCreated) -> None:
    note(f"bill in {current_app.config['SHOP']}")

@florentin.on("invoice.created")
async def thank(event: events.InvoiceCreated) -> None:
    note(f"thank in {current_app.config['SHOP']}")

@florentin.on("user.login", inline=True)
def greet(event: events.UserLogin) -> None:
    if (here / "broken").exists():
        raise ValueError
    note(f"greet in {current_app.config['SHOP']}")

def create_app(shop: str = "books") -> Flask:
    app = Flask(__name__)
    app.config.update(
        SHOP=shop, FLORENTIN_WEBHOOK_SECRET=SECRET, FLORENTIN_REDIS_URL=URL,
        FLORENTIN_QUEUE="florentin",
    )
    app.teardown_appcontext(lambda _: note("session removed"))
    florentin.init_app(app)
    return app
"""
DONE = ["bill in books", "thank in books", "session removed"]


class Shop:
    """A module with a factory, and what becomes of what its app receives."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory
        self.module = f"shop_{uuid4().hex[:8]}"
        self.factory = f"{self.module}:create_app"
        self._file = directory / f"{self.module}.py"
        self._file.write_text(f"URL = {url!r}\nSECRET = {SECRET!r}\n{SHOP}")

    def append(self, line: str) -> None:
        """Let the module have one more line."""
        with self._file.open("a") as file:
            file.write(f"{line}\n")

    def app(self, shop: str = "books") -> Flask:
        """An app of the factory's making, in this process."""
        with chdir(self.directory):
            load(self.factory)
        made = sys.modules[self.module].create_app(shop)
        assert isinstance(made, Flask)
        return made

    def sends(self, event: str) -> str:
        """The outcome of a delivery; what has happened so far is forgotten."""
        outcome = post(self.app(), Provider(SECRET).make(event)).outcome
        (self.directory / "effects").unlink()
        return outcome

    def runs(self, *words: str) -> Program:
        """A program that has ended well."""
        program = python("-W", "error", "-m", *words, cwd=self.directory)
        assert program.process.returncode == 0, program.talk + program.data
        return program

    def effects(self) -> list[str]:
        """What has happened since the last delivery."""
        path = self.directory / "effects"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def shop(directory: Path, redis_url: str) -> Iterator[Shop]:
    shop = Shop(directory, redis_url)
    yield shop
    sys.modules.pop(shop.module, None)


def typed(app: Flask, *words: str) -> Result:
    """What comes of ``flask florentin`` *words*."""
    return app.test_cli_runner().invoke(args=["florentin", *words], prog_name="flask")


# --- workers ---


def test_a_worker_of_a_factory_runs_handlers_inside_the_app(shop: Shop) -> None:
    assert shop.sends("invoice.created") == "accepted"
    shop.runs("florentin_webhooks", "worker", shop.factory, "--burst")
    assert shop.effects() == DONE


def test_worker_of_an_app_runs_jobs_of_its_factory(shop: Shop) -> None:
    shop.append("app = create_app()")
    assert shop.sends("invoice.created") == "accepted"
    words = ["worker", f"{shop.module}:app", "--burst", "--worker-class", "spawn"]
    shop.runs("florentin_webhooks", *words)
    assert shop.effects() == DONE


def test_flask_worker_uses_the_loaded_app(shop: Shop) -> None:
    assert shop.sends("invoice.created") == "accepted"
    words = ["florentin", "worker", "--burst", "--worker-class", "simple"]
    program = shop.runs("flask", "--app", f"{shop.module}:create_app('toys')", *words)
    assert f"of {shop.factory}: class simple" in program.talk
    outermost = ["session removed"]  # Of the command itself.
    assert shop.effects() == [each.replace("books", "toys") for each in DONE] + outermost


# --- commands ---


def test_flask_lists_what_the_app_has_received(shop: Shop) -> None:
    shop.sends("user.login")
    (line,) = typed(shop.app(), "deliveries", "list", "--json").stdout.splitlines()
    assert json.loads(line)["event"] == "user.login"


def test_flask_replay_runs_inside_the_loaded_app(shop: Shop) -> None:
    broken = shop.directory / "broken"
    broken.touch()
    assert shop.sends("user.login") == "handler-failed"
    broken.unlink()
    result = typed(shop.app("toys"), "deliveries", "replay", "--state", "failed", "--yes")
    assert result.exit_code == 0
    assert shop.effects()[0] == "greet in toys"


def test_next_step_is_a_command_of_flask(shop: Shop) -> None:
    result = typed(shop.app(), "worker", "--queue", "florentine", "--burst")
    assert error(result).endswith("hint: Run: flask florentin worker --queue florentin")


def test_flask_lists_the_commands_among_its_own(shop: Shop) -> None:
    reported = CliRunner().invoke(FlaskGroup(create_app=shop.app), ["--help"]).stdout
    assert "\n  florentin  Receive Florentin's webhooks" in reported
    assert "\n  routes     Show the routes" in reported


def test_a_first_event_reaches_the_development_server(shop: Shop) -> None:
    run = ["-m", "flask", "--app", shop.module, "run", "--port", "0"]
    with started(run, cwd=shop.directory) as program:
        url = program.says(r"Running on (http://\S+)") + PATH
        result = CliRunner().invoke(
            FlaskGroup(create_app=shop.app),
            ["florentin", "trigger", "user.login", "--to", url],
            env={"FLORENTIN_WEBHOOK_SECRET": SECRET},
        )
    assert "processed" in result.stdout
    assert "greet in books" in shop.effects()
