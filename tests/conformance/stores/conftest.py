"""What the suites of this folder run on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.parts import Jobs
from tests.support.stores import IMPLEMENTATIONS, Span, Subject

Make = Callable[[Span], Subject]


@pytest.fixture(params=list(IMPLEMENTATIONS))
def make(request: pytest.FixtureRequest, redis_url: str, redis_prefix: str) -> Iterator[Make]:
    """Each store in turn, made with the spans that a test needs.

    A suite for some of them parametrises "make" indirectly, with their names.
    """
    with ExitStack() as stack:

        def made(span: Span) -> Subject:
            build = IMPLEMENTATIONS[request.param]
            return stack.enter_context(build(redis_url, redis_prefix, span))

        yield made


@pytest.fixture
def store(make: Make) -> Subject:
    """Each store in turn, in which nothing ends by itself while a test lasts."""
    return make(Span())


@pytest.fixture
def jobs(store: Subject) -> Jobs:
    """The side of the queueing library, for stores that push jobs."""
    assert store.jobs is not None
    return store.jobs
