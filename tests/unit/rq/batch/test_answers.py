"""Answers of the scripts of batches, as values."""

from __future__ import annotations

import pytest

from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision
from florentin_webhooks.rq.batch.answers import ClaimedJob, StepAnswer, read_claim, read_step

EXCESS = b"0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b" 0", StepAnswer("", 0, b"")),
        (b"done 4", StepAnswer("done", 4, b"")),
        (b"lost 1" + EXCESS[:10], StepAnswer("lost", 1, EXCESS[:10])),
        (b"done 2" + EXCESS, StepAnswer("done", 2, EXCESS)),
    ],
)
def test_step_has_a_state_a_number_and_an_excess(answer: bytes, expected: StepAnswer) -> None:
    assert read_step(answer) == expected


@pytest.mark.parametrize(("milliseconds", "seconds"), [(-1, None), (0, 0), (500, 0.5), (2000, 2)])
def test_wait_for_an_expired_lease_is_in_seconds(milliseconds: int, seconds: float | None) -> None:
    answer = read_claim([b"", b"", b"a b", b"c:d", milliseconds])
    assert answer == ((), (b"a", b"b"), (b"c:d",), seconds)


def test_job_of_a_batch_knows_its_fingerprint() -> None:
    job = ClaimedJob(EXCESS + b"-queue", 3, JobClaim(JobDecision.RUN))
    assert job.fingerprint == EXCESS.decode()
