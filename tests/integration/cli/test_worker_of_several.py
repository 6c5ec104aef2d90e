"""One worker serves several receivers of several senders, with tenants, on one Redis."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from florentin_webhooks.cli.loader import expand, load
from florentin_webhooks.testing import Provider
from tests.support.command_line import error, python, type_in

PROGRAM = """
from pathlib import Path
from florentin_webhooks import Delivery, Receiver, RedisStore, RQQueue
from florentin_webhooks.events import Event
from florentin_webhooks.senders import GitHub, Stripe

here = Path(__file__).parent
shared = {"store": RedisStore(URL, prefix=PREFIX), "queue": RQQueue(QUEUE)}
TENANTS = {"acme": "the-secret-of-acme-inc", "globex": "the-secret-of-globex"}

def secrets(request):
    return TENANTS[request.path_params["tenant"]]

stripe = Receiver(secrets, sender=Stripe(), **shared)
github = Receiver("the-secret-at-github", sender=GitHub(), **shared)
again = github
inline = Receiver("the-secret-of-another")

def note(event: Event, delivery: Delivery) -> None:
    with (here / "effects").open("a") as file:
        file.write(f"{event.event} {delivery.tenant}\\n")

@stripe.on("charge.*")
def charge(event: Event, delivery: Delivery) -> None:
    note(event, delivery)

@github.on("push")
def build(event: Event, delivery: Delivery) -> None:
    note(event, delivery)
"""


@pytest.fixture
def module(
    directory: Path, redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Return a module whose receivers share a queue, in the working directory."""
    name = f"senders_{uuid4().hex[:8]}"
    settings = f"URL, PREFIX, QUEUE = {redis_url!r}, {redis_prefix!r}, {name!r}\n"
    (directory / f"{name}.py").write_text(settings + PROGRAM)
    monkeypatch.chdir(directory)
    monkeypatch.syspath_prepend(directory)
    yield name
    load(f"{name}:github").store.close()


def deliver(module: str) -> None:
    """Queue two deliveries of tenants, and one of another sender."""
    stripe, github = load(f"{module}:stripe"), load(f"{module}:github")
    for tenant in ("acme", "globex"):
        secret = {"acme": "the-secret-of-acme-inc", "globex": "the-secret-of-globex"}[tenant]
        made = Provider(secret, sender=stripe.sender).make("charge.paid")
        assert stripe.receive(*made, None, {"tenant": tenant}).outcome == "accepted"
    pushed = Provider("the-secret-at-github", sender=github.sender).make("push")
    assert github.receive(*pushed).outcome == "accepted"


def effects_of(directory: Path, *apps: str) -> list[str]:
    """Run a worker for *apps* until its queue is empty, and return what its handlers did."""
    words = ["worker", *apps, "--burst", "--worker-class", "simple"]
    program = python("-m", "florentin_webhooks", *words, cwd=directory)
    assert program.process.returncode == 0, program.talk
    return sorted((directory / "effects").read_text().splitlines())


def test_worker_of_a_module_serves_all_of_its_receivers(module: str, directory: Path) -> None:
    deliver(module)
    assert effects_of(directory, module) == ["charge.paid acme", "charge.paid globex", "push "]


def test_worker_of_one_receiver_leaves_the_others(module: str, directory: Path) -> None:
    deliver(module)
    assert effects_of(directory, f"{module}:github") == ["push "]


@pytest.mark.parametrize("apps", ["{}:stripe", "{}:github {}:stripe", "{}"])
def test_jobs_of_a_sibling_are_not_foreign(module: str, apps: str) -> None:
    deliver(module)
    result = type_in("queue", *apps.replace("{}", module).split(), "--json")
    (status,) = map(json.loads, result.stdout.splitlines())
    assert (status["waiting"], status["foreign"]) == (3, {})
    assert [each.partition(",")[0] for each in status["problems"]] == [
        f"3 events are waiting in queue {module}"
    ]


def test_jobs_of_a_receiver_in_another_module_are_foreign(module: str, directory: Path) -> None:
    alone = f"{module}_alone"
    text = (directory / f"{module}.py").read_text().replace("the-secret-at-", "another-secret-of-")
    (directory / f"{alone}.py").write_text(text)
    deliver(module)
    assert foreign_of(f"{alone}:github") == [1]
    assert foreign_of(f"{alone}:github", f"{module}:github") == []
    load(f"{alone}:github").store.close()


def foreign_of(*apps: str) -> list[int]:
    """Return how many jobs of each other program are in the queue of *apps*."""
    return list(json.loads(type_in("queue", *apps, "--json").stdout)["foreign"].values())


def test_receiver_with_two_names_is_shown_by_one(module: str) -> None:
    push = Provider("the-secret-at-github", sender=load(f"{module}:github").sender)
    push.deliver(load(f"{module}:again"), "push")
    shown = type_in("queue", f"{module}:again", f"{module}:github").stderr
    assert f"worker {module}:github --queue" in shown
    assert f"{module}:again" not in shown


def test_module_is_expanded_to_its_receivers_with_a_queue(module: str) -> None:
    paths = [f"{module}:stripe", f"{module}:github"]
    assert expand([module]) == paths
    assert expand([f"{module}:github", module]) == [paths[1], paths[0]]


def test_module_without_receivers_is_refused() -> None:
    assert "has no receiver with a queue" in error(type_in("worker", "json"))
    assert "was not found" in error(type_in("worker", "shop_that_is_nowhere"))
    assert "not an import path" in error(type_in("worker", "a b"))


def test_worker_that_is_stopped_while_it_starts_ends_cleanly(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from florentin_webhooks.cli.commands import worker

    monkeypatch.setattr(worker, "_work", lambda *_, **__: signal.raise_signal(signal.SIGTERM))
    assert type_in("worker", f"{module}:github").exit_code == 0


def test_receivers_with_different_queues_need_two_workers(module: str, directory: Path) -> None:
    other = f"{module}_other"
    text = (directory / f"{module}.py").read_text().replace(repr(module), repr(other), 1)
    (directory / f"{other}.py").write_text(text)
    message = error(type_in("worker", f"{module}:stripe", f"{other}:stripe"))
    assert f"has no handler in queue '{module}'" in message
