"""Run the whole program for a trial: a Redis-compatible server, the tables, gunicorn, a worker.

In production, run each one as a separate service, with the secret from Florentin's settings.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from shlex import quote

from florentin_webhooks.redis.embedded_server import EmbeddedServer

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent


def main() -> int:
    # A closed terminal and SIGTERM stop all processes, as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        with ExitStack() as stack:
            return run(stack)
    except KeyboardInterrupt:
        return 0


def run(stack: ExitStack) -> int:
    """Start all processes, the web server last, so that it stops first."""
    os.environ.setdefault("FLORENTIN_WEBHOOK_SECRET", token_hex(32))
    if not os.environ.get("FLORENTIN_REDIS_URL"):
        server = stack.enter_context(EmbeddedServer(".florentin"))
        os.environ["FLORENTIN_REDIS_URL"] = server.url
    if subprocess.call([BIN / "flask", "--app", "saas", "init-db"]):  # noqa: S603 - our own program.
        return 1
    listener = stack.enter_context(listen(os.environ.get("PORT", "8000")))
    worker = stack.enter_context(run_process("florentin-webhooks", "worker", "saas:create_app"))
    web = stack.enter_context(run_process(*gunicorn(listener), pass_fds=[listener.fileno()]))
    print_instructions(f"http://127.0.0.1:{listener.getsockname()[1]}")
    while web.poll() is None and worker.poll() is None:
        time.sleep(0.1)
    return 1


def listen(port: str) -> socket.socket:
    """Open the socket for gunicorn, so that early connections wait until it is ready."""
    try:
        return socket.create_server(("127.0.0.1", int(port)))
    except (OSError, OverflowError, ValueError):
        sys.exit(f"Port {port} is invalid or in use. Try: PORT=8001 make run")


def gunicorn(listener: socket.socket) -> list[str]:
    bind = f"fd://{listener.fileno()}"
    pool = ["--workers", "2", "--worker-class", "gthread", "--threads", "4"]
    quiet = ["--log-level", "warning", "--access-logfile", "-", "--no-control-socket"]
    return ["gunicorn", "--bind", bind, *pool, *quiet, "saas:create_app()"]


@contextmanager
def run_process(*words: str, pass_fds: Collection[int] = ()) -> Generator[subprocess.Popen[bytes]]:
    """Run a program in its own process group, so that only this process gets Ctrl-C."""
    program = [str(BIN / words[0]), *words[1:]]
    process = subprocess.Popen(program, process_group=0, pass_fds=pass_fds)  # noqa: S603 - our own program.
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def print_instructions(url: str) -> None:
    settings = ("FLORENTIN_WEBHOOK_SECRET", "FLORENTIN_REDIS_URL")
    exports = " ".join(f"{name}={quote(os.environ[name])}" for name in settings)
    print(
        f"""
The customers are at {url}/customers/
Send a delivery from another terminal, and see the result:

  cd {quote(str(HERE))}
  export {exports}
  {quote(str(BIN))}/florentin-webhooks trigger subscription.purchased --to {url}/webhooks/florentin
  {quote(str(BIN))}/flask --app saas florentin deliveries list

Press Ctrl-C to stop.
""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
