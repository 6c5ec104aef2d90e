"""Fit a command to the program it runs in: what is preset is not asked for, nor spoken of."""

from __future__ import annotations

from copy import copy
from functools import wraps
from typing import TYPE_CHECKING, cast

from florentin_webhooks.cli.invocation import words
from florentin_webhooks.cli.preset import APP, preset_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import click

    from florentin_webhooks.cli.preset import Preset

__all__ = ["fitted"]

_ASKED = " APP (shop.hooks:hooks)"
_STARTED = "florentin-webhooks "


def fitted(command: click.Command, context: click.Context) -> click.Command:
    """Give *command* as it looks in *context*: under a preset without APP, with its words."""
    preset = preset_of(context)
    if preset is None:
        return command
    fit = copy(command)
    fit.help = _told(command.help or "", context)
    if any(parameter.name == APP for parameter in command.params):
        fit.params = [parameter for parameter in command.params if parameter.name != APP]
        fit.callback = _answered(cast("Callable[..., object]", command.callback), preset)
    return fit


def _told(text: str, context: click.Context) -> str:
    return text.replace(_ASKED, "").replace(_STARTED, f"{words(context)} ")


def _answered(callback: Callable[..., object], preset: Preset) -> Callable[..., object]:
    @wraps(callback)
    def answered(**arguments: object) -> object:
        return callback(**{APP: preset.app}, **arguments)

    return answered
