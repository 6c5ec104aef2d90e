from __future__ import annotations

import pytest
import redis
import redis.asyncio

from florentin_webhooks import RedisStore
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.cluster.address import Node, parse_cluster

URL = "redis+cluster://me:p%40ss@one:7000,[::1]:7001,two/?socket_keepalive=1&lanes=8"


def test_url_names_several_nodes_and_how_to_log_in() -> None:
    address = parse_cluster(URL)
    assert address.nodes == (Node("one", 7000), Node("::1", 7001), Node("two", 6379))
    assert address.lanes == 8
    assert address.url(address.nodes[1]) == "redis://me:p%40ss@[::1]:7001/0?socket_keepalive=1"


def test_address_shows_neither_user_nor_password() -> None:
    shown = "redis+cluster://one:7000,[::1]:7001,two:6379"
    assert str(parse_cluster(URL)) == RedisStore(URL).address == shown
    assert "p%40ss" not in repr(parse_cluster(URL))


def test_two_spellings_of_a_cluster_are_one_location() -> None:
    one = RedisStore("redis+cluster://one:7000,two:7001", lanes=8).location
    assert RedisStore("redis+cluster://me:secret@two:7001,one:7000?lanes=8").location == one
    assert RedisStore("redis+cluster://one:7000,two:7001", lanes=4).location != one
    assert RedisStore("redis+cluster://one:7000,two:7001", lanes=8, prefix="a:").location != one


def test_scheme_with_two_letters_s_means_tls() -> None:
    address = parse_cluster("rediss+cluster://one:7000")
    assert address.url(Node("three", 1)) == "rediss://three:1/0"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis+cluster://", "empty or invalid"),
        ("redis+cluster://one:7000,", "empty or invalid"),
        ("redis+cluster://one:port", "empty or invalid"),
        ("redis+cluster://[::1", "is invalid"),
        ("redis+cluster://one/3", "no other database than 0"),
        ("redis+cluster://one?lanes=many", "lanes is 'many'"),
        ("redis+cluster://one?lanes=", "lanes is ''"),
        ("redis+cluster://one?lanes=0", "lanes is 0"),
        ("redis+cluster://one?lanes=257", "lanes is 257"),
    ],
)
def test_wrong_url_is_refused_with_the_cause(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        RedisStore(url)
    assert raised.value.hint


def test_unknown_option_of_the_url_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="option that redis-py does not know"):
        RedisStore("redis+cluster://one?unknown=1")


def test_lanes_are_refused_twice_and_without_a_cluster() -> None:
    with pytest.raises(ConfigurationError, match="lanes is 4, but 8 in the URL"):
        RedisStore(URL, lanes=4)
    with pytest.raises(ConfigurationError, match="lanes is 4, but the store is in one server"):
        RedisStore("redis://localhost", lanes=4)


def test_subclass_of_another_store_is_refused_in_a_cluster() -> None:
    class Own(RedisStore):
        """A store of a user."""

    with pytest.raises(ConfigurationError, match="Own is a subclass") as raised:
        Own(URL)
    assert "ClusterStore" in raised.value.hint


def test_prefix_with_braces_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="cannot have braces"):
        RedisStore(URL, prefix="{a}")


def test_asyncio_client_names_its_nodes_and_password() -> None:
    client = redis.asyncio.RedisCluster(
        host="one", port=7000, password="s&cret", ssl=True, ssl_ca_certs="ca.pem"
    )
    address = parse_cluster(client)
    assert (address.scheme, address.nodes) == ("rediss", (Node("one", 7000),))
    url = address.url(address.nodes[0])
    assert url.startswith("rediss://:s%26cret@one:7000/0?")
    assert "ssl_ca_certs=ca.pem" in url
