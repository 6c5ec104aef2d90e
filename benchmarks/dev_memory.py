"""The memory of ``dev``, with the inspector and without, once many deliveries have come."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.deliveries import SECRET, distinct
from benchmarks.load import request_bytes, send_all
from benchmarks.measure import Row

__all__ = ["rows"]

MANY, FEW = 10_000, 50
_SLICE = 500
_PROGRAM = """
from florentin_webhooks import Receiver

hooks = Receiver.from_env()

@hooks.on("invoice.created")
def bill(event): ...
"""


def rows(*, quick: bool) -> Iterator[Row]:
    """Return the resident memory of the server of ``dev``; a quick run has no base."""
    many = FEW if quick else MANY
    base = "-" if quick else f"without the inspector: {_measure(many, '--no-inspector'):.0f} MiB"
    inspected = _measure(many, "--inspector")
    yield Row(f"memory of dev after {many:,} deliveries, in MiB", base, [inspected])


def _measure(many: int, option: str) -> float:
    """Return the MiB of a session after *many* deliveries."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "measured_shop.py").write_text(_PROGRAM)
        with _session(Path(folder), option) as (process, port):
            for start in range(0, many, _SLICE):
                made = distinct(min(_SLICE, many - start))
                answers = asyncio.run(send_all(port, [request_bytes(each) for each in made]))
                assert {*answers} == {"200 processed"}, answers
            return _resident(process)


@contextmanager
def _session(folder: Path, option: str) -> Iterator[tuple[int, int]]:
    """Start ``dev`` in *folder*, and yield the numbers of its process and its port."""
    command = [sys.executable, "-m", "florentin_webhooks", "dev", "measured_shop:hooks"]
    environ = {**os.environ, "FLORENTIN_WEBHOOK_SECRET": SECRET}
    running = subprocess.Popen(
        [*command, "--port=0", option],
        cwd=folder,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield running.pid, _find_port(running)
    finally:
        running.terminate()
        running.communicate(timeout=30)


def _find_port(running: subprocess.Popen[str]) -> int:
    assert running.stderr is not None
    for line in running.stderr:
        if "Serving " in line:
            return int(line.partition("127.0.0.1:")[2].partition("/")[0])
    message = f"dev has ended with {running.wait()}"
    raise AssertionError(message)


def _resident(process: int) -> float:
    """Return the resident memory of *process* in MiB."""
    status = Path(f"/proc/{process}/status")
    if status.exists():
        shown = status.read_text().partition("VmRSS:")[2].split()[0]
    else:
        command = ["ps", "-o", "rss=", "-p", str(process)]
        shown = subprocess.check_output(command, text=True)
    return int(shown) / 1024
