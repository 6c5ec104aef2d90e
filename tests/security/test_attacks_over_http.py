"""Every attack that carries a request, over TCP: what runs. The answers: tests/conformance."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.server import Server
from tests.support.vectors import T0, Attack, attacks

pytestmark = pytest.mark.answers("every request")

ATTACKS = list(attacks())
MILLISECOND = timedelta(milliseconds=1)


def outcome_under(reader: str, attack: Attack) -> str:
    """The outcome of the table, with the one exception that a server makes.

    httptools adds trailers to the headers, before the program is called where all of a request
    arrives at once. The signature is right, so there is no harm in it.
    """
    excepted = (reader, attack.case) == ("httptools", "SIG-17")
    return "processed" if excepted else attack.outcome


def test_every_attack_runs_a_handler_once_or_never(server: Server) -> None:
    runs: dict[str, int] = {}
    for attack in ATTACKS:
        place = server.place(offset=(attack.now - T0) // MILLISECOND)
        if attack.before is not None:
            place.ask(attack.before)
        place.send(place.raw(attack.request))
        runs[attack.name] = len(place.seen())
    outcomes = {attack.name: outcome_under(server.reader, attack) for attack in ATTACKS}
    assert runs == {name: each in ("processed", "duplicate") for name, each in outcomes.items()}
