from __future__ import annotations

import pytest
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    ResponseError,
    TryAgainError,
)

from florentin_webhooks.redis.cluster.address import Node
from florentin_webhooks.redis.cluster.redirects import Redirect, RedirectKind, find_redirect

ASKED, OTHER = Node("asked", 1), Node("10.0.0.2", 7001)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (MovedError("3999 10.0.0.2:7001"), Redirect(RedirectKind.MOVED, OTHER)),
        (AskError("3999 10.0.0.2:7001"), Redirect(RedirectKind.ASK, OTHER)),
        (ResponseError("MOVED 3999 10.0.0.2:7001"), Redirect(RedirectKind.MOVED, OTHER)),
        (ResponseError("ASK 3999 10.0.0.2:7001"), Redirect(RedirectKind.ASK, OTHER)),
        (ResponseError("MOVED 1 ::1:7001"), Redirect(RedirectKind.MOVED, Node("::1", 7001))),
        (ResponseError("MOVED 1 :7001"), Redirect(RedirectKind.MOVED, Node("asked", 7001))),
        (TryAgainError("keys"), Redirect(RedirectKind.WAIT)),
        (ResponseError("TRYAGAIN Multiple keys request"), Redirect(RedirectKind.WAIT)),
        (ClusterDownError("The cluster is down"), Redirect(RedirectKind.DOWN)),
        (ResponseError("CLUSTERDOWN Hash slot not served"), Redirect(RedirectKind.DOWN)),
        (
            ResponseError("Script attempted to access a non local key in a cluster node"),
            Redirect(RedirectKind.WAIT),
        ),
        (ResponseError("3999 10.0.0.2:7001"), None),
        (ResponseError("WRONGTYPE Operation"), None),
        (OSError("MOVED 1 a:1"), None),
    ],
)
def test_answers_about_slots_are_recognised(error: Exception, found: Redirect | None) -> None:
    assert find_redirect(error, ASKED) == found
