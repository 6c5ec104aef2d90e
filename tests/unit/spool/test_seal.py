"""Keys encrypt what waits, and can be rotated."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path

import pytest

from florentin_webhooks import Spool
from tests.support.spooled import waiting

KEY, OTHER = (urlsafe_b64encode(letter * 32).decode() for letter in (b"a", b"b"))


def test_keys_encrypt_and_rotate(path: Path) -> None:
    Spool(path).append(waiting("plain"))
    Spool(path, keys=KEY).append(waiting("old", b"personal"))
    rotated = Spool(path, keys=[OTHER, KEY])
    rotated.append(waiting("new", b"personal"))
    assert [entry.delivery is not None for entry in rotated.read(0, 10)] == [True] * 3
    assert b"personal" not in _bytes(path)
    assert KEY not in repr(rotated)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ((), "it is encrypted, and the spool has no keys"),
        (OTHER, "none of the keys opens it, or it was changed"),
    ],
    ids=["no keys", "other key"],  # The key is random, and all processes collect the same ids.
)
def test_entry_under_another_key_has_a_problem(
    path: Path, keys: Sequence[str], problem: str
) -> None:
    Spool(path, keys=KEY).append(waiting())
    (entry,) = Spool(path, keys=keys).read(0, 10)
    assert (entry.delivery, entry.problem) == (None, problem)


def _bytes(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in path.parent.iterdir())
