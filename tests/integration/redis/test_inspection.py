"""What a real server says about itself, to users with all rights, with few and with none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import redis

from florentin_webhooks import RedisStore
from florentin_webhooks.redis.clients import borrowed_client
from florentin_webhooks.redis.failures import Failure
from florentin_webhooks.redis.inspection import ServerFacts, inspect_server, needed_commands
from tests.support.ports import free_port

RIGHTS = {
    "least": ("+ping", "+eval", "+evalsha"),
    "half": ("+@all", "-hset", "-lpush"),
    "reader": ("+ping", "+info"),
}


@pytest.fixture
def users(redis_url: str) -> Iterator[str]:
    """Yield the URL with a place for one of the users above, who are deleted again."""
    with redis.Redis.from_url(redis_url) as client:
        for name, rights in RIGHTS.items():
            client.execute_command("ACL", "SETUSER", name, "on", ">pass", "~*", *rights)
        yield redis_url.replace("://", "://{}@", 1)
        client.execute_command("ACL", "DELUSER", *RIGHTS)


def inspect(url: str) -> ServerFacts:
    found = RedisStore(url).inspect()
    assert found is not None
    return found


def test_user_with_all_rights_reads_everything(redis_url: str) -> None:
    facts = inspect(redis_url)
    assert facts.failure is None
    assert facts.info is not None
    assert "redis_version" in facts.info
    assert facts.settings["maxmemory-policy"] == "noeviction"
    assert facts.denied == ()
    assert facts.ahead is not None
    assert abs(facts.ahead) < 30


def test_user_with_few_rights_reads_nothing_and_fails_nothing(users: str) -> None:
    facts = inspect(users.format("least:pass"))
    unknown = ServerFacts(facts.address)
    assert facts == unknown


def test_rights_on_every_command_of_the_scripts_are_asked() -> None:
    scripts = files("florentin_webhooks.redis") / "scripts"
    text = "".join(each.read_text() for each in scripts.iterdir())
    used = set(re.findall(r"call\('([A-Z]+)'", text))
    assert len(used) > 30
    assert used - {words[0] for words in needed_commands("fl:")} == set()


def test_rights_on_other_keys_alone_are_too_few(users: str, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command("ACL", "SETUSER", "half", "resetkeys", "~fl:*", "+@all")
    assert inspect(users.format("half:pass")).denied == ("HSET", "RPUSH")


def test_denied_commands_are_named(users: str) -> None:
    assert inspect(users.format("half:pass")).denied == ("HSET", "LPUSH")


def test_right_to_wait_is_asked_with_replicas_only(users: str, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command("ACL", "SETUSER", "half", "+@all", "-wait")
    url = users.format("half:pass")
    facts = [RedisStore(url, replicas=number).inspect() for number in (0, 1)]
    assert [each.denied for each in facts if each] == [(), ("WAIT",)]


@pytest.mark.parametrize(
    ("login", "failure"), [("least:wrong", Failure.PASSWORD), ("reader:pass", Failure.RIGHTS)]
)
def test_refused_user_is_explained_without_password(
    users: str, login: str, failure: Failure
) -> None:
    facts = inspect(users.format(login))
    assert facts.failure is failure
    assert login.partition(":")[2] not in repr(facts)


def test_inspection_changes_nothing(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        inspect(redis_url)
        assert client.dbsize() == 0


def test_missing_servers_and_names_are_told_apart(directory: Path) -> None:
    port = free_port()
    assert inspect(f"redis://127.0.0.1:{port}").failure is Failure.UNREACHABLE
    assert inspect(f"unix://{directory}/none.sock").failure is Failure.UNREACHABLE
    assert inspect("redis://no-such-host.invalid").failure is Failure.ADDRESS


def test_server_without_a_cluster_is_no_node_of_one(redis_url: str) -> None:
    with borrowed_client(redis_url) as client:
        facts = inspect_server(client, "127.0.0.1:1", "{fl:1}", "{fl:1}")
    assert facts == ServerFacts("127.0.0.1:1", Failure.NO_CLUSTER)
