"""What to do about each problem of a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.cli.invocation import suggest

if TYPE_CHECKING:
    from florentin_webhooks.rq.monitoring import ProblemKind

__all__ = ["queue_remedy", "upgrade_remedy"]


def queue_remedy(kind: ProblemKind, queue: str, apps: str) -> str:
    """Return what to do about a problem of *queue*, which the receivers *apps* share."""
    match kind.value:
        case "full":
            return "Raise maxmemory, or start more workers."
        case "lost":
            return "Their fingerprints are in the workers' logs. The sender must send them again."
        case "foreign":
            return 'Use RQQueue("other-name") or another Redis database for one of them.'
        case "other-key":
            # Imported here, so that --help loads no Redis.
            from florentin_webhooks.rq.foreign import OTHER_KEY_HINT  # noqa: PLC0415

            return OTHER_KEY_HINT
        case "dead" | "unreadable":
            return f"Run: {suggest('dead list', app=apps.partition(' ')[0])}"
        case _:
            return f"Run: {suggest('worker', '--queue', queue, app=apps)}"


def upgrade_remedy(*, under_gunicorn: bool) -> str:
    """Return how uvicorn is started so that it loses no body; without a full stop."""
    if under_gunicorn:
        return "Start gunicorn with -k uvicorn_worker.UvicornH11Worker"
    return 'Start uvicorn with --http h11, in a program uvicorn.run(..., http="h11")'
