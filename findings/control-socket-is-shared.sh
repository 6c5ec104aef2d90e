#!/usr/bin/env bash
# gunicorn 25.1 and later open a control socket by default, and `gunicornc` shows, reloads and stops
# the server behind it. A good engineer guesses that two servers of one user, such as the receiver
# and the admin of a shop, or the old and the new release during a deployment, have a socket each,
# and that a second one that wants the same path fails, as it does with a port that is in use.
#
# What really happens: the default path is the same for all servers of a user. The second server
# replaces the socket of the first without a word; from then on `gunicornc` in the directory of
# either of them means the second. When any of them ends, it deletes the file, also where that is
# the other's: the server that goes on cannot be controlled any more, until it is restarted.
#
# Why a webhook receiver cares: the deployment that loses no delivery starts the new release, and
# then stops the old one. That leaves the live server without control, and before, `gunicornc -c
# shutdown` from the directory of the old release stops the new one: deliveries are refused. Give
# each server its own `--control-socket PATH`, or `--no-control-socket`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  gunicorn==27.0.1

mkdir "$work/home"
cat >"$work/shop.py" <<'PY'
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]
PY

cat >"$work/observe.py" <<'PY'
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

BIN = Path(sys.executable).parent
SOCKET = Path.home() / ".gunicorn" / "gunicorn.ctl"


def start(name):
    """Start a server on a Unix socket, and wait until it listens and has its control socket."""
    log = Path(f"{name}.log")
    words = [BIN / "gunicorn", "--bind", f"unix:{name}.sock", "shop:app"]
    server = subprocess.Popen(words, stderr=log.open("w"))
    wait(lambda: "Control socket listening" in log.read_text())
    wait(SOCKET.exists)
    return server


def wait(condition):
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            sys.exit("Nothing happened for 20 s.")
        time.sleep(0.05)


def controlled():
    """Return the names of the servers that gunicornc reaches."""
    words = [BIN / "gunicornc", "-c", "show listeners"]
    shown = subprocess.run(words, capture_output=True, text=True, timeout=20).stdout
    return [name for name in ("old", "new") if f"{name}.sock" in shown]


def stop(server):
    server.terminate()
    server.wait(20)


old = start("old")
alone = controlled()
new = start("new")
both, warnings = controlled(), Path("new.log").read_text().count("[WARNING]")
stop(old)
after, alive = controlled(), new.poll() is None
stop(new)

print("gunicorn", version("gunicorn"))
print("one server runs; gunicornc reaches:", *alone)
print(f"a second one was started ({warnings} warnings); gunicornc reaches:", *both)
print(f"the first was stopped, the second runs: {alive}; gunicornc reaches:", *(after or ["none"]))
if (alone, both, warnings, after, alive) != (["old"], ["new"], 0, [], True):
    sys.exit("The behaviour has changed.")
PY

cd "$work"
env -u XDG_RUNTIME_DIR HOME="$work/home" timeout 120 "$work/venv/bin/python" observe.py
