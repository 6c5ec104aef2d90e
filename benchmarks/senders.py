"""The cost of verifying a signature for each sender, compared with the sender's own package."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from starlette.datastructures import Headers

from benchmarks.measure import Row, against, paired
from florentin_webhooks.protocol.frozen import new_tuple

__all__ = ["rows"]

ASYMMETRIC = ("sendgrid",)
WHY = "one HMAC and the headers of a request take 1.6 us in any Python code; the peer takes 3 to 15"
COMMON = [
    (b"host", b"shop.example"),
    (b"user-agent", b"Sender/1.0"),
    (b"accept", b"*/*"),
    (b"content-type", b"application/json"),
    (b"content-length", b"330"),
]
"""Headers that every request has."""
NOTE = "x" * 200
"""What makes the bodies 0.3 KB, as those of other rows."""


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure ours and the peer's in the same rounds, in CPU time.

    Both get the headers as an ASGI server passes them, and end in a verdict.
    """
    if quick:
        return  # The packages are installed for `make bench` only.
    from tests.support.peers import PEERS  # noqa: PLC0415 - the same.

    for name, peer in PEERS.items():
        ours, theirs = _runs(name, peer())
        times = paired({"ours": ours, "theirs": theirs}, 41, time.thread_time)
        aim = ">= 1" if name in ASYMMETRIC else ">= 3"
        ratios = against(times["theirs"], times["ours"])
        yield Row(f"verify {name}, times faster", "the sender's own package", ratios, aim, WHY)


def _runs(name: str, peer: Any) -> tuple[Callable[[], object], Callable[[], object]]:
    from tests.support.peers import CASE, NOW, Request  # noqa: PLC0415 - the same.

    case, accepts = CASE[name], peer.accepts
    request = case.make(NOW, note=NOTE)
    changed = request._replace(body=request.body.replace(b"xx", b"yy", 1))
    assert accepts(request)
    assert not accepts(changed)
    scheme = case.sender.scheme(case.secrets)
    sent = [(key.lower().encode(), value.encode()) for key, value in request.headers.items()]
    listed = [*COMMON, *sent]
    ours = partial(scheme.authenticate, listed, request.body, NOW, request.url)
    ours()

    def theirs() -> object:
        # As a program under Starlette does it, after the documentation of each package.
        headers: Any = Headers(raw=listed)
        return accepts(new_tuple(Request, (headers, request.body, request.url)))

    return ours, theirs
