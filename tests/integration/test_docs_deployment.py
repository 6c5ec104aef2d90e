"""The recipes of docs/deployment.md agree with the defaults of the code."""

from __future__ import annotations

import configparser
import inspect
import re
import shlex

import click
import yaml

from florentin_webhooks import Receiver, RQQueue
from florentin_webhooks.cli import main
from tests.support.markdown import PAGES

PAGE = next(page for page in PAGES if page.name == "docs/deployment.md")
JOB_SECONDS = inspect.signature(RQQueue).parameters["timeout"].default
INLINE_SECONDS = inspect.signature(Receiver).parameters["timeout"].default.total_seconds()


def services() -> dict[str, configparser.SectionProxy]:
    """Return the section of each unit of systemd, by the name of its file."""
    found: dict[str, configparser.SectionProxy] = {}
    for block in PAGE.of("ini"):
        unit = configparser.ConfigParser(interpolation=None)
        unit.read_string(block.text)
        found[block.text.splitlines()[0].rpartition("/")[2]] = unit["Service"]
    return found


def test_worker_has_time_to_finish_its_event() -> None:
    worker = services()["shop-worker@.service"]
    (compose,) = (yaml.safe_load(block.text) for block in PAGE.of("yaml"))
    assert int(worker["TimeoutStopSec"]) > JOB_SECONDS
    assert int(compose["services"]["worker"]["stop_grace_period"].rstrip("s")) > JOB_SECONDS
    assert worker["KillMode"] == "mixed"


def test_web_process_has_time_to_finish_its_requests() -> None:
    assert int(services()["shop-web.service"]["TimeoutStopSec"]) > INLINE_SECONDS


def test_proxy_passes_on_what_the_receiver_accepts() -> None:
    (block,) = PAGE.of("nginx")
    settings = dict(re.findall(r"^\s+(\w+) (\S+);", block.text, re.MULTILINE))
    max_body = inspect.signature(Receiver).parameters["max_body"].default
    assert settings["client_max_body_size"] == f"{max_body >> 20}m"
    assert int(settings["proxy_read_timeout"].rstrip("s")) > INLINE_SECONDS
    assert settings["proxy_pass"].count("/") == 2  # Without a path.


def test_commands_of_recipes_exist() -> None:
    (compose,) = (yaml.safe_load(block.text) for block in PAGE.of("yaml"))
    started = [shlex.split(unit["ExecStart"]) for unit in services().values()]
    started += [each["command"] for each in compose["services"].values()]
    ours = [words for words in started if words[0].endswith("florentin-webhooks")]
    assert len(ours) == 2
    for _, name, *arguments in ours:
        command = main.get_command(click.Context(main), name)
        assert command, name
        command.make_context(name, list(arguments))
