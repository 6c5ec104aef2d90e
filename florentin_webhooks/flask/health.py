"""The health of a receiver in Flask programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from florentin_webhooks.core.health import DEFAULT_LIMITS, HealthLimits, Probe, answer_probe

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["health_blueprint"]


def health_blueprint(
    hooks: Receiver[object],
    path: str = "/health",
    *,
    limits: HealthLimits = DEFAULT_LIMITS,
    name: str = "florentin_webhooks_health",
) -> Blueprint:
    """Create a blueprint that serves the health of *hooks* at *path*.

    Below it, ``/live`` asks nothing and ``/ready`` the store; *path* itself asks the queues, too.
    The reply is 200 or 503, with JSON. *limits* say what is healthy.
    """
    blueprint = Blueprint(name, __name__)
    for probe in Probe:
        rule = path if probe is Probe.ALL else f"{path.rstrip('/')}/{probe}"
        blueprint.add_url_rule(rule, probe.value, _View(hooks, probe, limits), strict_slashes=False)
    return blueprint


class _View:
    """The view of one probe."""

    def __init__(self, hooks: Receiver[object], probe: Probe, limits: HealthLimits) -> None:
        self._question = hooks, probe, limits

    def __call__(self) -> Response:
        status, body = answer_probe(*self._question)
        headers = {"Cache-Control": "no-store"}
        return Response(body, status, headers, content_type="application/json")
