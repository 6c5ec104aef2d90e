"""The commands of ``florentin-webhooks`` for the receiver of the settings.

``manage.py florentin_webhooks worker`` takes no APP. Django's own options are applied; all other
words go to the command line unchanged.
"""

from __future__ import annotations

import os
import shlex
from argparse import REMAINDER, ArgumentParser, Namespace
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from django.core.management.base import BaseCommand, CommandError

from florentin_webhooks.cli import main
from florentin_webhooks.cli.errors import CLIError
from florentin_webhooks.cli.host import HostProgram
from florentin_webhooks.django.settings import PATH

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from django.core.management.base import CommandParser

__all__ = ["Command"]


class Command(BaseCommand):
    """The management command; its subcommands are those of the command line."""

    help = "Run workers, manage deliveries, send signed ones: florentin-webhooks without APP."
    requires_system_checks = ()
    _words = "manage.py florentin_webhooks"
    _shell_words = "python manage.py florentin_webhooks"
    _is_typed = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept all words; the command line validates them."""
        parser.add_argument("args", nargs=REMAINDER)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command; words with a dash are not parsed by Django's own parser."""
        self._words, self._is_typed = _typed(argv), True
        self._shell_words = _pasteable(argv)
        super().run_from_argv([*argv[:2], "--", *argv[2:]])

    def print_help(self, prog_name: str, subcommand: str) -> None:
        """Print the help of the command line."""
        self._words = _typed([prog_name, subcommand])
        self._run(["--help"], standalone=False)

    def handle(self, *args: str, **options: Any) -> None:
        """Run *args*, and apply Django's options among them.

        Called by a program, it raises ``CommandError`` with the exit code.
        """
        asked, words = _split_options(args, options)
        with ExitStack() as stack:
            stack.enter_context(_set_colors(asked))
            if options.get("stdout"):
                stack.enter_context(redirect_stdout(options["stdout"]))
            if options.get("stderr"):
                stack.enter_context(redirect_stderr(options["stderr"]))
            self._run(words, standalone=self._is_typed and not asked.traceback)

    def _run(self, words: Sequence[str], *, standalone: bool) -> None:
        host = HostProgram(PATH, words=self._shell_words)
        try:
            code: object = main.main(list(words), self._words, standalone_mode=standalone, obj=host)
        except click.ClickException as error:
            if self._is_typed:
                raise  # For --traceback.
            raise CommandError(_text(error), returncode=error.exit_code) from error
        if isinstance(code, int) and code:
            message = f"{self._words} {' '.join(words)} exited with {code}."
            raise CommandError(message, returncode=code)


def _text(error: click.ClickException) -> str:
    return str(error) if isinstance(error, CLIError) else error.format_message()


def _typed(argv: Sequence[str]) -> str:
    program = Path(argv[0]).name
    return f"{'python -m django' if program == '__main__.py' else program} {argv[1]}"


def _pasteable(argv: Sequence[str]) -> str:
    """Return the words that start the command again from the same directory."""
    started = Path(argv[0])
    if started.suffix != ".py" or started.name == "__main__.py":
        return _typed(argv)
    return f"python {shlex.quote(argv[0])} {argv[1]}"


def _split_options(args: Sequence[str], options: dict[str, Any]) -> tuple[Namespace, list[str]]:
    """Split *args* into Django's options and other words; Django has read --settings itself."""
    words = args[1:] if args[:1] == ("--",) else args
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("traceback", "no-color", "force-color", "skip-checks"):
        default = options.get(flag.replace("-", "_"), False)
        parser.add_argument(f"--{flag}", action="store_true", default=default)
    for option in (["-v", "--verbosity"], ["--settings"], ["--pythonpath"]):
        parser.add_argument(*option)
    return parser.parse_known_args(words)


@contextmanager
def _set_colors(asked: Namespace) -> Generator[None]:
    """Pass Django's options about colours to the command line."""
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
