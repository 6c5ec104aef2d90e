"""Replaying or discarding remembered deliveries, for operators."""

from florentin_webhooks.core.replay.actions import Run, drop, plan_record, replay
from florentin_webhooks.core.replay.conditions import NotReplayable, PossiblyProcessed
from florentin_webhooks.core.replay.result import ReplayResult, try_replay

__all__ = [
    "NotReplayable",
    "PossiblyProcessed",
    "ReplayResult",
    "Run",
    "drop",
    "plan_record",
    "replay",
    "try_replay",
]
