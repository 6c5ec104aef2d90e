"""Run the commands of ``florentin-webhooks`` on the receiver of the settings.

``manage.py florentin_webhooks worker`` needs no APP. What Django's own options ask for is done; all
else goes to the command line as it is.
"""

from __future__ import annotations

import os
from argparse import REMAINDER, ArgumentParser, Namespace
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from django.core.management.base import BaseCommand, CommandError

from florentin_webhooks.cli import main
from florentin_webhooks.cli.host import HostProgram
from florentin_webhooks.django.settings import PATH

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from django.core.management.base import CommandParser

__all__ = ["Command"]


class Command(BaseCommand):
    """The command; its subcommands are those of the command line."""

    help = "Run workers, look after deliveries, send signed ones: florentin-webhooks, without APP."
    requires_system_checks = ()
    _words = "manage.py florentin_webhooks"
    _is_typed = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Take everything; the command line says what is wrong with it."""
        parser.add_argument("args", nargs=REMAINDER)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run it as typed; what begins with a dash is no option of Django's before it is seen."""
        self._words, self._is_typed = _typed(argv), True
        super().run_from_argv([*argv[:2], "--", *argv[2:]])

    def print_help(self, prog_name: str, subcommand: str) -> None:
        """Print the help of the command line."""
        self._words = _typed([prog_name, subcommand])
        self._run(["--help"], standalone=False)

    def handle(self, *args: str, **options: Any) -> None:
        """Run *args*, with what Django's options among them ask for.

        Raises ``CommandError`` with the exit code where a program, not a person, has called it.
        """
        asked, words = _of_django(args, options)
        with ExitStack() as stack:
            stack.enter_context(_coloured(asked))
            if options.get("stdout"):
                stack.enter_context(redirect_stdout(options["stdout"]))
            if options.get("stderr"):
                stack.enter_context(redirect_stderr(options["stderr"]))
            self._run(words, standalone=self._is_typed and not asked.traceback)

    def _run(self, words: Sequence[str], *, standalone: bool) -> None:
        preset = HostProgram(PATH)
        try:
            code: object = main.main(
                list(words), self._words, standalone_mode=standalone, obj=preset
            )
        except click.ClickException as error:
            if self._is_typed:
                raise  # With its traceback, which was asked for.
            raise CommandError(_sentence(error), returncode=error.exit_code) from error
        if isinstance(code, int) and code:
            message = f"{self._words} {' '.join(words)} ended with {code}"
            raise CommandError(message, returncode=code)


def _sentence(error: click.ClickException) -> str:
    written = StringIO()
    error.show(written)
    return written.getvalue().strip().removeprefix("error: ")


def _typed(argv: Sequence[str]) -> str:
    program = Path(argv[0]).name
    return f"{'python -m django' if program == '__main__.py' else program} {argv[1]}"


def _of_django(args: Sequence[str], options: dict[str, Any]) -> tuple[Namespace, list[str]]:
    """Take Django's own options out of *args*; it has applied those that name settings."""
    words = args[1:] if args[:1] == ("--",) else args
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("traceback", "no-color", "force-color", "skip-checks"):
        default = options.get(flag.replace("-", "_"), False)
        parser.add_argument(f"--{flag}", action="store_true", default=default)
    for option in (["-v", "--verbosity"], ["--settings"], ["--pythonpath"]):
        parser.add_argument(*option)
    return parser.parse_known_args(words)


@contextmanager
def _coloured(asked: Namespace) -> Generator[None]:
    """Set the environment variable for Django's colour option during the block."""
    name = "NO_COLOR" if asked.no_color else "FORCE_COLOR" if asked.force_color else None
    before = os.environ.get(name or "")
    if name is None or before is not None:
        yield
        return
    os.environ[name] = "1"
    try:
        yield
    finally:
        del os.environ[name]
