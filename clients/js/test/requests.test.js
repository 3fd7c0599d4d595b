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
  const send = (/** @type {unknown} */ message) => sent.push(JSON.parse(JSON.stringify(message)));
  requests = new Requests({ send, now: () => now });
});

const published = { type: /** @type {const} */ ("published"), id: 1, epoch: "e", offset: 1 };

test("an answer finds its question by the id", async () => {
  const first = requests.ask({ type: "publish" });
  const second = requests.ask({ type: "publish" });
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
  const answer = requests.ask({ type: "history" });
  now = 9_999;
  requests.expire(now, "timeout", "time is up");
  now = 10_000;
  requests.expire(now, "timeout", "time is up");
  await assert.rejects(answer, { code: "timeout", message: "no answer to history: time is up" });
});

test("what waits is sent in order, and no more may wait than agreed", async () => {
  const first = requests.askLater({ type: "publish", event: "a" }, 2);
  const second = requests.askLater({ type: "publish", event: "b" }, 2);
  await assert.rejects(requests.askLater({ type: "publish" }, 2), { code: "queue_full" });
  assert.deepEqual(sent, []);
  requests.flush();
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
  const answer = requests.askLater({ type: "publish" }, 1);
  requests.discard("closed by the application");
  await assert.rejects(answer, { code: "disconnected" });
});

test("what JSON cannot say fails alone", async () => {
  const bad = requests.askLater({ type: "publish", data: 1n }, 2);
  const good = requests.askLater({ type: "publish", data: 1 }, 2);
  requests.flush();
  await assert.rejects(bad, TypeError);
  requests.settle(2, published);
  assert.equal((await good).offset, 1);
});
