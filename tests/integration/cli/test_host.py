"""Commands inside another program work with its receiver, and so do their processes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from florentin_webhooks.testing import Provider
from tests.support.command_line import SECRET, Program, python

PROGRAM = """
from florentin_webhooks import Receiver, RedisStore, RQQueue, events

class Program:
    def __init__(self):
        print("made", flush=True)
        queue = RQQueue("florentin", receiver="{name}:create_program")
        self.hooks = Receiver({secret!r}, store=RedisStore({url!r}), queue=queue)
        self.hooks.on("invoice.created")(bill)
        self.extensions = {{"florentin_webhooks": self.hooks}}

def bill(event: events.InvoiceCreated) -> None:
    print("billed", flush=True)

def create_program():
    return Program()
"""
START = """
import click
from {name} import create_program
from florentin_webhooks.cli.app import command_tree

program = create_program()
cli = click.Group("flask", context_settings={{"obj": object()}})
cli.add_command(command_tree("{name}:create_program", program=lambda: program))
cli(prog_name="flask")
"""


class Framework:
    """A program in *place* that is started from another directory, *elsewhere*."""

    def __init__(self, place: Path, url: str) -> None:
        self.name = f"program_{uuid4().hex[:8]}"
        self.elsewhere = place / "elsewhere"
        self.elsewhere.mkdir()
        self.start = place / "start.py"
        self.start.write_text(START.format(name=self.name))
        code = PROGRAM.format(name=self.name, secret=SECRET, url=url)
        (place / f"{self.name}.py").write_text(code)

    def runs(self, *line: str) -> Program:
        """What ``flask florentin`` *line* did."""
        return python("-W", "error", str(self.start), "florentin", *line, cwd=self.elsewhere)


@pytest.fixture
def framework(directory: Path, redis_url: str) -> Framework:
    return Framework(directory, redis_url)


@pytest.fixture
def fingerprint(framework: Framework, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A delivery that the program has queued."""
    monkeypatch.syspath_prepend(framework.start.parent)
    program = __import__(framework.name).create_program()
    body = Provider(SECRET).deliver(program.hooks, "invoice.created").body
    yield re.findall(r"[0-9a-f]{32}", body.decode())[0]
    program.hooks.close()


def test_workers_import_the_program_from_another_directory_once(
    framework: Framework, fingerprint: str
) -> None:
    ended = framework.runs("worker", "--burst", "--processes", "2")
    assert ended.process.returncode == 0, ended.talk
    assert (ended.data.count("billed"), ended.data.count("made")) == (1, 3)
    assert fingerprint in ended.data
    assert f"of {framework.name}:create_program: 2 processes" in ended.talk
