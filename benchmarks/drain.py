"""Run the jobs of one queue: ``python -m benchmarks.drain (ours|plain) (simple|fork) [JOBS]``."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import redis
import rq

from benchmarks.queued import PIPE, QUEUE, URL, hooks
from benchmarks.serve import CORE, pin
from florentin_webhooks.rq.worker import WorkerKind, build_worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["drain", "running_worker"]


def drain(whose: str, kind: str, url: str, jobs: int) -> None:
    """Run *jobs* jobs in another process."""
    command = [sys.executable, "-m", "benchmarks.drain", whose, kind, str(jobs)]
    subprocess.run(command, env={**os.environ, URL: url}, check=True)


@contextmanager
def running_worker(words: Sequence[str], url: str, pipe: int) -> Iterator[int]:
    """Run a worker of the module and arguments in *words* during the block; yield its process id.

    Handlers that report their start write to *pipe*.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        env={**os.environ, URL: url, PIPE: str(pipe)},
        pass_fds=[pipe],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # Celery warns of the superuser, and shows a banner.
    )
    try:
        yield process.pid
    finally:
        process.kill()  # It has no state that must be saved.
        process.wait()


def main() -> None:
    """Run jobs until terminated, or until the given number has run."""
    whose, kind, *jobs = sys.argv[1:]
    pin(CORE)
    logging.getLogger("florentin_webhooks").setLevel(logging.CRITICAL)
    client = redis.Redis.from_url(os.environ[URL])
    if whose == "ours":
        worker = build_worker(hooks, client, queue=QUEUE, kind=WorkerKind(kind))
    else:
        build = rq.SimpleWorker if kind == "simple" else rq.Worker
        worker = build([rq.Queue(QUEUE, connection=client)], connection=client)
    worker.work(burst=bool(jobs), max_jobs=int(jobs[0]) if jobs else None, logging_level="WARNING")


if __name__ == "__main__":
    main()
