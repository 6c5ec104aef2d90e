"""The size of batches follows the time that handlers take."""

from __future__ import annotations

import pytest

from florentin_webhooks.rq.batch.size import BatchSize


def grown(size: BatchSize, *batches: tuple[int, float]) -> list[int]:
    """Return the size after each of *batches*: its jobs and seconds."""
    sizes = []
    for jobs, seconds in batches:
        size.record(jobs, seconds)
        sizes.append(size.current)
    return sizes


def test_size_begins_with_one_and_doubles_while_jobs_are_fast() -> None:
    size = BatchSize(64)
    assert size.current == 1
    assert grown(size, *[(size.current, 0.0001)] * 8) == [2, 4, 8, 16, 32, 64, 64, 64]


@pytest.mark.parametrize(("seconds", "expected"), [(0.01, 50), (0.1, 5), (0.6, 1), (30, 1)])
def test_batch_holds_half_a_second_of_work(seconds: float, expected: int) -> None:
    assert grown(BatchSize(64), *[(1, seconds)] * 10)[-1] == expected


def test_one_slow_job_shrinks_the_size_at_once() -> None:
    size = BatchSize(64)
    grown(size, *[(1, 0.0001)] * 8)
    assert grown(size, (4, 2.0)) == [1]
    assert grown(size, (1, 0.001)) == [1]
    assert grown(size, *[(1, 0.1)] * 3) == [1, 2, 2]
