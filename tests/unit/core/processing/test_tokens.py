"""Tokens of leases differ in every process, also where a program seeds the shared generator."""

from __future__ import annotations

import os
import random

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.core.processing.lease import Lease
from tests.support.shop import SECRET


def token() -> bytes:
    return Lease(Receiver(SECRET).blocking, MemoryStore()).token


def test_seeded_program_draws_new_tokens() -> None:
    random.seed(1)
    first = token()
    random.seed(1)
    assert token() != first
    assert len(first) == 8


def test_forked_process_draws_other_tokens() -> None:
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        os.write(writer, token())
        os._exit(0)
    os.waitpid(process, 0)
    assert os.read(reader, 8) != token()
    os.close(reader)
    os.close(writer)
