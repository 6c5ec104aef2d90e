"""Look-ups are remembered by what they read, for a while, and in bounded number."""

from __future__ import annotations

import pytest

from florentin_webhooks import Request
from florentin_webhooks.core.tenants.cache import (
    CAPACITY,
    KEPT,
    LONGEST,
    MOST_READS,
    PAUSE,
    LookupCache,
)
from florentin_webhooks.protocol.headers import HeaderMap


class Time:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def request(tenant: str, account: str = "") -> Request:
    return Request(HeaderMap({"X-Account": account}), {"tenant": tenant}, None)


def filled(*tenants: str, time: Time | None = None) -> LookupCache[str]:
    cache: LookupCache[str] = LookupCache(time or Time())
    for tenant in tenants:
        made = request(tenant)
        assert made.path_params["tenant"] == tenant
        cache.add(made, tenant, is_known=True)
    return cache


def test_requests_with_equal_reads_share_a_look_up() -> None:
    cache = filled("acme", "globex")
    assert cache.find(request("acme", account="other")) == "acme"
    assert cache.find(request("globex")) == "globex"
    assert cache.find(request("initech")) is None


def test_value_that_is_read_later_divides_requests() -> None:
    cache, made = filled("acme"), request("acme", account="a")
    assert made.headers["X-Account"] == "a"
    assert made.path_params["tenant"]
    cache.add(made, "account a", is_known=True)
    assert cache.find(request("acme", account="a")) == "account a"
    assert cache.find(request("acme", account="b")) is None


def test_look_up_expires_and_an_unknown_one_soon() -> None:
    time = Time()
    cache = filled("acme", time=time)
    cache.add(request("unknown"), "none", is_known=False)
    time.now += PAUSE
    assert cache.find(request("unknown")) is None
    time.now += KEPT - PAUSE - 0.1
    assert cache.find(request("acme")) == "acme"
    time.now += 0.1
    assert cache.find(request("acme")) is None


def test_refresh_is_claimed_once_a_second() -> None:
    time = Time()
    cache = filled("acme", time=time)
    assert cache.claim(request("acme"), "acme") is None
    time.now += PAUSE
    claim = cache.claim(request("acme"), "acme")
    assert claim is not None
    assert claim.is_mine
    cache.release(claim)
    assert cache.claim(request("acme"), "acme") is None


@pytest.mark.parametrize("outdated", ["acme", None])
def test_look_up_in_progress_is_shared_until_it_ends(outdated: str | None) -> None:
    time = Time()
    cache = filled("acme", time=time)
    time.now += PAUSE
    first, second, other = (cache.claim(request(of), outdated) for of in ("acme", "acme", "b"))
    assert [claim and claim.is_mine for claim in (first, second, other)] == [True, False, True]
    assert first
    assert second
    assert not second.ended.cancel()  # One that waits no longer ends it for no other.
    cache.release(first)
    assert second.ended.done()
    third = cache.claim(request("acme"), None)
    assert third
    assert third.is_mine


def test_look_up_that_a_fork_has_lost_is_replaced() -> None:
    time = Time()
    cache = filled("acme", time=time)
    lost = cache.claim(request("acme"), None)
    time.now += LONGEST
    claim = cache.claim(request("acme"), None)
    assert claim
    assert claim.is_mine
    assert lost
    cache.release(lost)  # It is late, and ends only itself.
    assert not claim.ended.done()


def test_look_ups_that_read_ever_new_values_are_not_remembered() -> None:
    cache = filled("acme")
    for number in range(2 * MOST_READS):
        made = request("acme")
        assert not made.headers.get(f"X-{number}")
        cache.add(made, "acme", is_known=True)
    assert cache.find(request("acme")) == "acme"
    assert len(cache._reads) == MOST_READS


def test_least_recently_used_look_up_is_forgotten() -> None:
    cache = filled(*(f"t{number}" for number in range(CAPACITY)))
    assert cache.find(request("t0")) == "t0"
    made = request("new")
    assert made.path_params["tenant"]
    cache.add(made, "new", is_known=True)
    assert cache.find(request("t0")) == "t0"
    assert cache.find(request("t1")) is None
