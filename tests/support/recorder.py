"""An observer that keeps what it is called with."""

from __future__ import annotations

from florentin_webhooks import AttemptReport, DeadReport, DeliveryReport, Observer

Report = DeliveryReport | AttemptReport | DeadReport


class Recorder(Observer):
    """An observer that keeps what it is called with."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Report]] = []
        self.reads_error_text = False

    def accepted(self, report: DeliveryReport, /) -> None:
        self.seen.append(("accepted", report))

    def duplicate(self, report: DeliveryReport, /) -> None:
        self.seen.append(("duplicate", report))

    def refused(self, report: DeliveryReport, /) -> None:
        self.seen.append(("refused", report))

    def handled(self, report: AttemptReport, /) -> None:
        self.seen.append(("handled", report))

    def failed(self, report: AttemptReport, /) -> None:
        self.seen.append(("failed", report))

    def dead(self, report: DeadReport, /) -> None:
        self.seen.append(("dead", report))

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.seen]
