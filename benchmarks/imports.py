"""The cost of importing: whole processes, also without the cost of an empty one."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.measure import Row, against

__all__ = ["rows"]

PROGRAMS = {
    "package": "import florentin_webhooks",
    "pydantic": "import pydantic",
    "Receiver": "from florentin_webhooks import Receiver",
    "BaseModel": "from pydantic import BaseModel",
    "nothing": "pass",
}


def rows(*, quick: bool) -> Iterator[Row]:
    """Return the ratios of whole processes, then of the imports alone."""
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    names = list(PROGRAMS)
    for turn in range(2 if quick else 21):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            times[name].append(_process(PROGRAMS[name]))
    yield Row(
        "import florentin_webhooks",
        "import pydantic",
        against(times["package"], times["pydantic"]),
        "<= 1.5",
    )
    yield Row(
        "from florentin_webhooks import Receiver",
        "from pydantic import BaseModel",
        against(times["Receiver"], times["BaseModel"]),
    )
    empty = median(times["nothing"])
    yield Row(
        "the same, minus an empty process",
        "the same",
        [
            max(one - empty, 0) / max(other - empty, 1e-6)
            for one, other in zip(times["Receiver"], times["BaseModel"], strict=True)
        ],
    )


def _process(program: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - start
