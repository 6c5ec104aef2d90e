"""How long a worker waits for a server that refuses commands."""

from __future__ import annotations

from typing import Any, cast

import pytest
from redis.exceptions import ReadOnlyError

from florentin_webhooks.redis.refusals import WaitingRetry


def wait(retry: WaitingRetry, answers: list[object]) -> object:
    def do() -> object:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return answer

    return cast("Any", retry).call_with_retry(do, lambda *_: None)


def test_refused_command_is_sent_until_it_is_accepted() -> None:
    refused = ReadOnlyError("READONLY You can't write against a read only replica.")
    assert wait(WaitingRetry("redis://one", 0), [refused, "done"]) == "done"


def test_wait_of_a_lane_ends_for_the_others() -> None:
    refused = ReadOnlyError("READONLY You can't write against a read only replica.")
    with pytest.raises(ReadOnlyError):
        wait(WaitingRetry("redis://one", 0, longest=0), [refused, "done"])
