#!/usr/bin/env bash
# HTTP message signatures (RFC 9421) cover header fields. A field that is sent on several lines is
# signed as one: the values joined by a comma and one space. A good engineer guesses that this is
# what a WSGI program finds in its environ, since HTTP itself lets a recipient join them so.
#
# What really happens with two lines of one field:
#   waitress              joins them by comma and space: verified
#   gunicorn, Werkzeug    join them by a comma alone: the genuine signature does not match
#   cheroot               keeps the last line only, except of some 20 fields that it has a list of
#   uvicorn (ASGI)        hands on both lines, and the verifier joins them: verified
#
# Why a webhook receiver cares: one program, one request and one key are valid under one server
# and invalid under the next, and the environ does not show what was on the wire. So sign fields
# that have one line, or receive such senders through ASGI.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  http-message-signatures==3.0.0 http-sf==1.5.0 gunicorn==27.0.1 werkzeug==3.1.9 \
  waitress==3.0.2 cheroot==11.1.2 uvicorn==0.54.0

cat >"$work/receiver.py" <<'PY'
"""A receiver that verifies what its server hands on, as WSGI and as ASGI program."""

from http_message_signatures import (
    HTTPMessageSigner, HTTPMessageVerifier, InvalidSignature, MappingKeyResolver, algorithms,
)

KEY = {"sender": b"a key of this script, 32 bytes.."}
KEYS = MappingKeyResolver(public_keys=KEY, private_keys=KEY)
PARTS = {"signature_algorithm": algorithms.HMAC_SHA256, "key_resolver": KEYS}
FIELDS = ["x-topic", "signature", "signature-input"]


class Fields(dict):
    """Header fields; `items` may show one name several times."""

    def __init__(self, lines):
        super().__init__(lines)
        self.lines = list(lines)

    def items(self):
        return self.lines


class Request:
    """What the library asks of a request."""

    method, url = "POST", "https://receiver.example/hooks"

    def __init__(self, headers):
        self.headers = headers


def signed():
    """Return a signed request; its x-topic stands for two lines."""
    request = Request({"x-topic": "billing, eu"})
    HTTPMessageSigner(**PARTS).sign(
        request, key_id="sender", covered_component_ids=("@method", "@target-uri", "x-topic")
    )
    return request


def verdict(lines):
    topic = " | ".join(value for name, value in lines if name == "x-topic")
    try:
        HTTPMessageVerifier(**PARTS).verify(Request(Fields(lines)))
    except InvalidSignature as error:
        return f"{topic!r:16}{type(error).__name__}".encode()
    return f"{topic!r:16}verified".encode()


def wsgi(environ, start_response):
    lines = [(name, environ["HTTP_" + name.upper().replace("-", "_")]) for name in FIELDS]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [verdict(lines)]


async def asgi(scope, receive, send):
    lines = [(name.decode(), value.decode()) for name, value in scope["headers"]]
    lines = [(name, value) for name, value in lines if name in FIELDS]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": verdict(lines)})
PY

cat >"$work/program.py" <<'PY'
import http.client, logging, socket, subprocess, sys, threading
from importlib.metadata import version

import cheroot.wsgi, uvicorn, waitress
from receiver import asgi, signed, wsgi
from werkzeug.serving import make_server

EXPECTED = {
    "waitress": "'billing, eu'   verified",
    "gunicorn": "'billing,eu'    InvalidSignature",
    "werkzeug": "'billing,eu'    InvalidSignature",
    "cheroot": "'eu'            InvalidSignature",
    "uvicorn": "'billing | eu'  verified",
}


def deliver(port):
    """Return the receiver's answer to the signed request, its x-topic on two lines."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest("POST", "/hooks")
    headers = signed().headers
    for topic in headers.pop("x-topic").split(", "):
        connection.putheader("X-Topic", topic)
    for name, value in {**headers, "Content-Length": "0"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse().read().decode()


def with_thread(serve, port):
    threading.Thread(target=serve, daemon=True).start()
    return deliver(port)


def on_socket(serve):
    listener = socket.create_server(("127.0.0.1", 0))
    return with_thread(lambda: serve(listener), listener.getsockname()[1])


def under_gunicorn():
    listener = socket.create_server(("127.0.0.1", 0))
    bind = ["-b", f"fd://{listener.fileno()}", "--log-level", "error"]
    command = [sys.executable, "-m", "gunicorn", *bind, "receiver:wsgi"]
    process = subprocess.Popen(command, pass_fds=[listener.fileno()])
    try:
        return deliver(listener.getsockname()[1])
    finally:
        process.terminate()
        process.wait(20)


def under_cheroot():
    server = cheroot.wsgi.Server(("127.0.0.1", 0), wsgi)
    server.prepare()
    try:
        return with_thread(server.serve, server.bind_addr[1])
    finally:
        server.stop()  # Its threads would keep this program alive.


def under_werkzeug():
    server = make_server("127.0.0.1", 0, wsgi)
    return with_thread(server.serve_forever, server.server_port)


def serve_uvicorn(listener):
    config = uvicorn.Config(asgi, log_level="error", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


SERVERS = {
    "waitress": lambda: on_socket(lambda one: waitress.serve(wsgi, sockets=[one], _quiet=True)),
    "gunicorn": under_gunicorn,
    "werkzeug": under_werkzeug,
    "cheroot": under_cheroot,
    "uvicorn": lambda: on_socket(serve_uvicorn),
}
logging.disable()  # The servers log each request.
print("http-message-signatures", version("http-message-signatures"))
print("x-topic: billing and x-topic: eu, signed as 'billing, eu', arrive as")
seen = {}
for name, answer in SERVERS.items():
    seen[name] = answer()
    print(f"  {name + ' ' + version(name):18}{seen[name]}")
if seen != EXPECTED:
    sys.exit("The behaviour has changed.")
PY
cd "$work" && timeout 60 venv/bin/python -W ignore program.py
