import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Requests } from "../src/requests.js";

/** @type {any[]} */
let sent;
/** @type {number} */
let now;
/** @type {Requests} */
let requests;

beforeEach(() => {
  sent = [];
  now = 0;
  requests = new Requests(() => now);
});

const connection = {
  send: (/** @type {unknown} */ _, /** @type {string} */ text) => sent.push(JSON.parse(text)),
};

const published = { type: /** @type {const} */ ("published"), id: 1, epoch: "e", offset: 1 };

test("an answer finds its question by the id", async () => {
  const first = requests.ask({ type: "publish" }, connection);
  const second = requests.ask({ type: "publish" }, connection);
  requests.settle(2, { ...published, id: 2, offset: 8 });
  requests.settle(1, { ...published, offset: 7 });
  assert.equal((await first).offset, 7);
  assert.equal((await second).offset, 8);
  assert.deepEqual(
    sent.map(({ id }) => id),
    [1, 2],
  );
});

test("an answer to nothing is no harm", () => {
  requests.settle(99, published);
  requests.settle(undefined, new Error("late"));
});

test("a question without an answer is given up after 10 s", async () => {
  const answer = requests.ask({ type: "history" }, connection);
  now = 9_999;
  requests.expire(now);
  now = 10_000;
  requests.expire(now);
  await assert.rejects(answer, { code: "timeout", message: "no answer to history: timeout" });
});

test("what waits is sent in order, and no more may wait than agreed", async () => {
  const first = requests.ask({ type: "publish", event: "a" }, undefined, 2);
  const second = requests.ask({ type: "publish", event: "b" }, undefined, 2);
  await assert.rejects(requests.ask({ type: "publish" }, undefined, 2), { code: "queue_full" });
  assert.deepEqual(sent, []);
  requests.flush(connection);
  assert.deepEqual(sent, [
    { type: "publish", event: "a", id: 1 },
    { type: "publish", event: "b", id: 2 },
  ]);
  requests.settle(1, published);
  requests.settle(2, new Error("refused"));
  assert.equal((await first).offset, 1);
  await assert.rejects(second, /refused/);
});

test("what waits is given up when the client is closed", async () => {
  const answer = requests.ask({ type: "publish" }, undefined, 1);
  requests.discard("closed by the application");
  await assert.rejects(answer, { code: "disconnected" });
});

test("what JSON cannot say fails alone", async () => {
  const bad = requests.ask({ type: "publish", data: 1n }, undefined, 2);
  const good = requests.ask({ type: "publish", data: 1 }, undefined, 2);
  requests.flush(connection);
  await assert.rejects(bad, TypeError);
  requests.settle(2, published);
  assert.equal((await good).offset, 1);
});

test("a message of exactly the limit is sent, and a longer one is refused before it is sent", async () => {
  const empty = JSON.stringify({ type: "publish", data: "", id: 1 }).length;
  const fits = requests.ask({ type: "publish", data: "x".repeat(65_536 - empty) }, connection);
  const data = `${"x".repeat(65_534 - empty)}\u00e9x`;
  await assert.rejects(requests.ask({ type: "publish", data }, connection), {
    code: "too_large",
    message: "65537 bytes, the server takes 65536",
  });
  requests.settle(1, published);
  assert.equal((await fits).offset, 1);
  assert.equal(sent.length, 1);
});

test("a server may take other lengths", async () => {
  requests.bytesMax = 100;
  const long = { type: "publish", data: "x".repeat(100) };
  await assert.rejects(requests.ask(long, connection), { code: "too_large" });
  requests.bytesMax = 1_000;
  requests.ask(long, connection);
  assert.equal(sent.length, 1);
});

test("a lost connection fails what was sent over it, and nothing else", async () => {
  const other = { send: () => {} };
  const lost = requests.ask({ type: "publish" }, other);
  const kept = requests.ask({ type: "publish" }, connection);
  assert.equal(requests.isAwaited(other), true);
  requests.lost(other);
  await assert.rejects(lost, { code: "connection_lost" });
  assert.equal(requests.isAwaited(other), false);
  requests.settle(2, { ...published, id: 2 });
  assert.equal((await kept).offset, 1);
});
