"""The stores that the suites of this folder run on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.parts import ClusterJobs, Jobs
from tests.support.stores import IMPLEMENTATIONS, Span, Subject

Make = Callable[[Span], Subject]


@pytest.fixture(params=list(IMPLEMENTATIONS))
def make(request: pytest.FixtureRequest, redis_prefix: str) -> Iterator[Make]:
    """Yield a builder of each store in turn, with the durations that a test needs."""
    server = {"redis": "redis_url", "cluster": "cluster_url"}.get(request.param.partition("-")[0])
    url = request.getfixturevalue(server) if server else ""
    with ExitStack() as stack:

        def made(span: Span) -> Subject:
            build = IMPLEMENTATIONS[request.param]
            return stack.enter_context(build(url, redis_prefix, span))

        yield made


@pytest.fixture
def store(make: Make) -> Subject:
    """Each store in turn, in which nothing expires during a test."""
    return make(Span())


@pytest.fixture
def jobs(store: Subject) -> Jobs | ClusterJobs:
    """The view of the queueing library, for stores that push jobs."""
    assert store.jobs is not None
    return store.jobs
