"""Print a table of ratios, measured side by side in one run: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import platform
import sys
from collections.abc import Iterator, Sequence

from benchmarks.measure import MISSED, Row

SUBJECTS = {
    "verify": "verify",
    "senders": "senders",
    "asgi": "in_process",
    "http": "over_http",
    "peers": "http_peers",
    "redis": "in_redis",
    "worker": "workers",
    "import": "imports",
    "mounts": "mounts",
    "json": "strict_json",
    "memory": "in_memory",
    "inspector": "inspected",
    "scale": "scale",
    "cluster": "cluster",
}
ALIASES = {"in_process": "asgi"}


def main() -> None:
    """Run the selected benchmarks and print the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=[*SUBJECTS, *ALIASES], help="may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="a smoke test; its ratios are noise")
    parser.add_argument("--json", action="store_true", help="print one object per row")
    given = parser.parse_args()
    # What a log line costs depends on the handlers of the program, so it is not measured.
    logging.getLogger("florentin_webhooks").setLevel(logging.CRITICAL)
    only = [ALIASES.get(subject, subject) for subject in given.only or SUBJECTS]
    rows = _rows(only, quick=given.quick)
    if given.json:
        for row in rows:
            print(json.dumps(_facts(row)), flush=True)
        return
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}. Medians of interleaved rounds (middle half of the rounds).\n"
    )
    _print_table(list(rows))


def _rows(subjects: Sequence[str], *, quick: bool) -> Iterator[Row]:
    for subject in subjects:
        print(f"measuring {subject} ...", file=sys.stderr)
        yield from importlib.import_module(f"benchmarks.{SUBJECTS[subject]}").rows(quick=quick)


def _facts(row: Row) -> dict[str, object]:
    return {
        "what": row.what,
        "against": row.against,
        "measured": row.value,
        "samples": list(row.samples),
        "aim": row.aim,
        "verdict": row.verdict,
        "why": row.why if row.verdict == MISSED else "",
    }


def _print_table(rows: Sequence[Row]) -> None:
    cells = [("what", "against", "measured (range)", "aim", "", "why the aim is missed")]
    for row in rows:
        measured = f"{_short(row.value)} ({row.range})" if row.range else _short(row.value)
        why = row.why if row.verdict == MISSED else ""
        cells.append((row.what, row.against, measured, row.aim, row.verdict, why))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = tuple("-" * max(width, 3) for width in widths)
    for line in (cells[0], rule, *cells[1:]):
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        print(f"| {' | '.join(padded)} |")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
