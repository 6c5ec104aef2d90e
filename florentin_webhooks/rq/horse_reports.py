"""Reports of a worker's forked processes, which it passes on to its own observers.

A forked process runs a job or a batch and leaves at once, by ``os._exit``: what observers have
counted in it would be lost, or be one more file for each job.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from florentin_webhooks.core.observer import AttemptReport, DeadReport, DeliveryReport
from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from florentin_webhooks.core.observers.notifier import Notifier, Report
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["HorseReports", "flush_observers"]


class HorseReports:
    """The reports about *receivers* in a file without a name, which forked processes inherit."""

    def __init__(self, receivers: Sequence[Receiver[object]]) -> None:
        notifiers = (each.reporter.notifier for each in receivers)
        self._notifiers: list[Notifier] = [each for each in notifiers if each]
        self._file = TemporaryFile(buffering=0) if self._notifiers else None  # noqa: SIM115

    def divert(self) -> None:
        """Write the reports of this process to the file; called in a forked process."""
        for number, notifier in enumerate(self._notifiers):
            notifier.divert(partial(self._write, number))

    def pass_on(self) -> None:
        """Report what is in the file to the observers, and empty it; called in the worker."""
        if self._file is None or not self._file.tell():
            return
        self._file.seek(0)
        text = self._file.read()
        self._file.seek(0)
        self._file.truncate()
        for number, method, report in _decode(text):
            self._notifiers[number].notify(method, report)

    def close(self) -> None:
        """Delete the file."""
        if self._file is not None:
            self._file.close()

    def _write(self, number: int, method: str, report: Report) -> None:
        line = json.dumps([number, method, *report], default=datetime.isoformat)
        if self._file is not None:
            with suppress(OSError):  # A full disk costs reports, not deliveries.
                self._file.write(line.encode() + b"\n")


def flush_observers(receivers: Sequence[Receiver[object]]) -> None:
    """Make the observers send what they have collected; called in a process that runs one job."""
    for each in receivers:
        if each.reporter.notifier:
            each.reporter.notifier.flush()


def _decode(text: bytes) -> Iterator[tuple[int, str, Report]]:
    for line in text.splitlines():
        # A killed process may leave half a line.
        with suppress(ValueError):
            number, method, *fields = json.loads(line)
            yield number, method, _to_report(method, fields)


def _to_report(method: str, fields: list[Any]) -> Report:  # Any: JSON.
    if method == "dead":
        return DeadReport(*fields)
    if method in ("handled", "failed"):
        attempt = AttemptReport(*fields)
        return attempt._replace(next_attempt=_to_time(fields[11]))
    report = DeliveryReport(*fields)
    sent_at, received_at = fields[7:9]
    return report._replace(
        outcome=Outcome(report.outcome),
        sent_at=_to_time(sent_at),
        received_at=_to_time(received_at),
    )


def _to_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
