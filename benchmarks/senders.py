"""The cost of verifying a signature for each sender, compared with the sender's own package."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks.measure import Row, against, paired

__all__ = ["rows"]

ASYMMETRIC = ("sendgrid",)
WHY = "ours also finds the signature in the headers; near a bare HMAC in the peer, none is 3 faster"
NOTE = "x" * 200
"""What makes the bodies 0.3 KB, as those of other rows."""


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure ours and the peer's in the same rounds, in CPU time."""
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
    from tests.support.peers import CASE, NOW  # noqa: PLC0415 - installed for `make bench` only.

    case, accepts = CASE[name], peer.accepts
    request = case.make(NOW, note=NOTE)
    changed = request._replace(body=request.body.replace(b"xx", b"yy", 1))
    assert accepts(request)
    assert not accepts(changed)
    scheme = case.sender.scheme(case.secrets)
    ours = partial(scheme.authenticate, request.headers, request.body, NOW, request.url)
    ours()
    return ours, partial(accepts, request)
