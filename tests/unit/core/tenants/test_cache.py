"""Look-ups are remembered by what they read, for a while, and in bounded number."""

from __future__ import annotations

from florentin_webhooks import Request
from florentin_webhooks.core.tenants.cache import CAPACITY, KEPT, PAUSE, LookupCache
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
    assert not cache.claim_refresh(request("acme"))
    time.now += PAUSE
    assert [cache.claim_refresh(request("acme")) for _ in range(3)] == [True, False, False]
    assert cache.claim_refresh(request("forgotten"))


def test_least_recently_used_look_up_is_forgotten() -> None:
    cache = filled(*(f"t{number}" for number in range(CAPACITY)))
    assert cache.find(request("t0")) == "t0"
    made = request("new")
    assert made.path_params["tenant"]
    cache.add(made, "new", is_known=True)
    assert cache.find(request("t0")) == "t0"
    assert cache.find(request("t1")) is None
