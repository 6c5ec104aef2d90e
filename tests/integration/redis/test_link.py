"""Connections of redis-py that are taken over, and returned: the contract with redis-py."""

from __future__ import annotations

import asyncio
from typing import Any

import redis.asyncio

from florentin_webhooks.redis.executors.link import Link, LinkOwner, open_link, transport_of


class Owner(LinkOwner):
    def __init__(self) -> None:
        self.answers: asyncio.Queue[object] = asyncio.Queue()
        self.lost: list[Link] = []

    def receive(self, answers: list[object]) -> None:
        for answer in answers:
            self.answers.put_nowait(answer)

    def lose(self, link: Link) -> None:
        self.lost.append(link)


def test_redis_py_reads_the_answers_of_its_transport(redis_url: str) -> None:
    async def program() -> object:
        client: Any = redis.asyncio.Redis.from_url(redis_url)  # Any: redis-py leaves types open.
        connection = await client.connection_pool.get_connection()
        transport_of(connection).write(b"PING\r\n")
        answer: object = await connection.read_response()
        await client.connection_pool.release(connection)
        await client.aclose()
        return answer

    assert asyncio.run(program()) == b"PONG"


def test_connection_of_a_closed_link_serves_redis_py_again(redis_url: str) -> None:
    async def program() -> None:
        owner = Owner()
        client: Any = redis.asyncio.Redis.from_url(redis_url, max_connections=1)  # Any: as above.
        async with asyncio.timeout(10):
            link = await open_link(client.connection_pool, owner, None)
            link.write(b"PING\r\n" * 2)
            assert [await owner.answers.get() for _ in "ab"] == [b"PONG"] * 2
            await link.aclose()
            assert await client.ping()
        await client.aclose()
        assert owner.lost == [link]

    asyncio.run(program())
