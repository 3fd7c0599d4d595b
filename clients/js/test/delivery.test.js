import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Delivery } from "../src/delivery.js";
import { Subscription } from "../src/subscription.js";
import { Warnings } from "../src/warnings.js";
import { FakePlatform, settled } from "./fakes.js";

const CONNECTION = { name: "the only one" };

/** @type {FakePlatform} */
let platform;
/** @type {Subscription} */
let subscription;
/** @type {unknown[]} */
let heard;

beforeEach(() => {
  platform = new FakePlatform();
  heard = [];
});

/**
 * A channel that has been asked for, as question 1.
 *
 * @param {import("../src/delivery.js").Snapshot} [snapshot]
 */
function asked(snapshot) {
  subscription = new Subscription("dogs", { random: platform.random });
  subscription.ask(1, CONNECTION);
  const river = /** @type {any} */ ("not called in these tests");
  const warnings = new Warnings(platform.warn);
  const delivery = new Delivery(subscription, platform, { river, warnings, options: { snapshot } });
  delivery.events.on("*", (data) => heard.push(data));
  return delivery;
}

/** @param {number} offset */
const event = (offset) => ({
  type: /** @type {const} */ ("event"),
  channel: "dogs",
  event: "post",
  data: offset,
  offset,
});

/**
 * @param {number} offset
 * @param {Partial<import("../src/protocol.js").Subscribed>} [more]
 */
const subscribed = (offset, more) => ({
  type: /** @type {const} */ ("subscribed"),
  id: 1,
  channel: "dogs",
  epoch: "e",
  offset,
  recovered: false,
  ...more,
});

/** @param {number} offset */
const gap = (offset) => ({
  type: /** @type {const} */ ("gap"),
  channel: "dogs",
  epoch: "f",
  offset,
});

/** A channel as above, with a snapshot function whose answers the test gives. */
function withSnapshots() {
  /** @type {{why: unknown, answer: (position?: unknown) => void, fail: (error: Error) => void}[]} */
  const calls = [];
  /** @param {unknown} why */
  const snapshot = (why) =>
    new Promise((answer, fail) => {
      calls.push({ why, answer, fail });
    });
  return { calls, delivery: asked(snapshot) };
}

test("an event goes to the callbacks of its name and to those of all names", () => {
  const delivery = asked();
  /** @type {unknown[]} */
  const details = [];
  delivery.channel.bind("post", (data, detail) => details.push(data, detail));
  delivery.channel.on("*", (_, detail) => details.push(detail.event));
  delivery.subscribed(subscribed(0));
  delivery.receive({ ...event(1), user: "ada" }, CONNECTION);
  assert.deepEqual(details, [
    1,
    { channel: "dogs", event: "post", data: 1, epoch: "e", offset: 1, user: "ada" },
    "post",
  ]);
});

test("the position moves when the callbacks have been called", () => {
  const delivery = asked();
  /** @type {unknown[]} */
  const positions = [];
  delivery.channel.bind("post", () => positions.push(delivery.channel.position?.offset));
  delivery.subscribed(subscribed(0));
  delivery.receive(event(1), CONNECTION);
  assert.deepEqual(positions, [0]);
  assert.deepEqual(delivery.channel.position, { epoch: "e", offset: 1 });
});

test("a publisher cannot call what River itself says", () => {
  const delivery = asked();
  delivery.channel.bind("river:gap", () => heard.push("a gap"));
  delivery.subscribed(subscribed(0));
  delivery.receive({ ...event(1), event: "river:gap" }, CONNECTION);
  assert.deepEqual(heard, [1]);
});

test("a callback that is unbound is not called", () => {
  const delivery = asked();
  const callback = () => heard.push("called");
  delivery.channel.on("post", callback).off("post", callback);
  delivery.channel.on("river:gap", callback).unbind("river:gap", callback);
  delivery.subscribed(subscribed(0));
  delivery.receive(event(1), CONNECTION);
  delivery.receive(gap(1), CONNECTION);
  assert.deepEqual(heard, [1]);
});

test("what comes before the channel is live, or after it is lost, is not handed on", () => {
  const delivery = asked();
  delivery.receive(event(1), CONNECTION);
  delivery.subscribed(subscribed(1));
  delivery.lost(CONNECTION);
  delivery.receive(event(2), CONNECTION);
  assert.deepEqual(heard, []);
});

test("River says when the channel is live, and whether anything is missing", () => {
  const delivery = asked();
  for (const name of /** @type {const} */ (["river:subscribed", "river:gap"])) {
    delivery.channel.bind(name, (/** @type {unknown} */ detail) => heard.push([name, detail]));
  }
  delivery.subscribed(subscribed(3));
  delivery.lost(CONNECTION);
  subscription.ask(1, CONNECTION);
  delivery.subscribed(subscribed(5, { recovered: true }));
  delivery.lost(CONNECTION);
  subscription.ask(1, CONNECTION);
  delivery.subscribed(subscribed(9, { reason: "window" }));
  delivery.receive(gap(2), CONNECTION);
  assert.deepEqual(heard, [
    ["river:subscribed", { recovered: false, epoch: "e", offset: 3 }],
    ["river:subscribed", { recovered: true, epoch: "e", offset: 5 }],
    ["river:subscribed", { recovered: false, epoch: "e", offset: 9 }],
    ["river:gap", { reason: "window", epoch: "e", offset: 9, reloadAfterMs: 500 }],
    ["river:gap", { reason: "gap", epoch: "f", offset: 2, reloadAfterMs: 2_500 }],
  ]);
});

test("presence is kept as a list and told as it changes", () => {
  const delivery = asked();
  for (const name of /** @type {const} */ (["river:joined", "river:left"])) {
    delivery.channel.bind(name, (member) => heard.push([name, member.user]));
  }
  delivery.channel.bind("river:presence", ({ count }) => heard.push(count));
  const presence = { count: 1, members: [{ user: "ada" }] };
  delivery.subscribed(subscribed(0, { presence }));
  delivery.receive({ type: "joined", channel: "dogs", user: "bob", info: { age: 7 } }, CONNECTION);
  delivery.receive({ type: "left", channel: "dogs", user: "ada" }, CONNECTION);
  assert.deepEqual(delivery.channel.presence.members, new Map([["bob", { age: 7 }]]));
  delivery.receive(
    { type: "presence", channel: "dogs", count: 1, members: [{ user: "cyd" }] },
    CONNECTION,
  );
  assert.deepEqual(heard, [
    1,
    ["river:joined", "bob"],
    ["river:left", "ada"],
    1,
    ["river:joined", "cyd"],
    ["river:left", "bob"],
  ]);
});

test("while a snapshot is fetched events wait, and those it stands for are left out", async () => {
  const { calls, delivery } = withSnapshots();
  delivery.subscribed(subscribed(3));
  await settled();
  for (const offset of [4, 5, 6]) delivery.receive(event(offset), CONNECTION);
  await settled();
  assert.deepEqual(heard, []);
  assert.deepEqual(calls[0]?.why, { reason: "start", epoch: "e", offset: 3 });
  calls[0]?.answer({ epoch: "e", offset: 5 });
  await settled();
  delivery.receive(event(7), CONNECTION);
  assert.deepEqual(heard, [6, 7]);
});

test("a snapshot that is ahead of the events leaves out what comes later, too", async () => {
  const { calls, delivery } = withSnapshots();
  delivery.subscribed(subscribed(3));
  await settled();
  calls[0]?.answer({ epoch: "e", offset: 5 });
  await settled();
  for (const offset of [4, 5, 6]) delivery.receive(event(offset), CONNECTION);
  assert.deepEqual(heard, [6]);
});

test("a snapshot without a position is followed by all that came since it was begun", async () => {
  const { calls, delivery } = withSnapshots();
  delivery.subscribed(subscribed(3));
  await settled();
  delivery.receive(event(4), CONNECTION);
  calls[0]?.answer();
  await settled();
  assert.deepEqual(heard, [4]);
});

test("a gap during a snapshot makes it fetch another one", async () => {
  const { calls, delivery } = withSnapshots();
  delivery.subscribed(subscribed(3));
  await settled();
  delivery.receive(event(4), CONNECTION);
  delivery.receive(gap(20), CONNECTION);
  delivery.receive(event(21), CONNECTION);
  calls[0]?.answer({ epoch: "e", offset: 9 });
  await platform.pass(2_499);
  assert.deepEqual(heard, []);
  assert.equal(calls.length, 1);
  await platform.pass(1);
  assert.deepEqual(calls[1]?.why, { reason: "gap", epoch: "f", offset: 20 });
  calls[1]?.answer();
  await settled();
  assert.deepEqual(heard, [21]);
});

test("a connection lost during a snapshot brings the waiting events again, once", async () => {
  const { calls, delivery } = withSnapshots();
  delivery.subscribed(subscribed(3));
  await settled();
  delivery.receive(event(4), CONNECTION);
  delivery.lost(CONNECTION);
  assert.equal(subscription.ask(1, CONNECTION).offset, 3);
  delivery.subscribed(subscribed(5, { recovered: true }));
  for (const offset of [4, 5]) delivery.receive(event(offset), CONNECTION);
  calls[0]?.answer();
  await settled();
  assert.deepEqual(heard, [4, 5]);
  assert.equal(calls.length, 1);
});

test("more events than may wait are replaced by another snapshot", async () => {
  const { calls, delivery } = withSnapshots();
  delivery.subscribed(subscribed(0));
  await settled();
  for (let offset = 1; offset <= 10_001; offset++) delivery.receive(event(offset), CONNECTION);
  calls[0]?.answer();
  await settled();
  assert.deepEqual(calls[1]?.why, { reason: "gap", epoch: "e", offset: 10_001 });
  delivery.receive(event(10_002), CONNECTION);
  calls[1]?.answer();
  await settled();
  assert.deepEqual(heard, [10_002]);
});

test("a snapshot that fails is reported and loaded again, ever later, until there is one", async () => {
  const { calls, delivery } = withSnapshots();
  const cause = new Error("the back end is down");
  delivery.channel.on("river:error", (error) => heard.push(error.code, error.cause));
  delivery.subscribed(subscribed(3));
  await settled();
  delivery.receive(event(4), CONNECTION);
  for (const [attempt, waitMs] of [500, 1_000, 2_000, 4_000].entries()) {
    calls[attempt]?.fail(cause);
    await platform.pass(waitMs - 1);
    assert.equal(calls.length, attempt + 1);
    await platform.pass(1);
    assert.equal(calls.length, attempt + 2);
  }
  calls[4]?.answer();
  await settled();
  const failures = new Array(4).fill(["snapshot_failed", cause]).flat();
  assert.deepEqual(heard, [...failures, 4]);
  assert.deepEqual(platform.reported, []);
  await import("../src/later.js");
  await settled();
  assert.equal(platform.warned.length, 1);
  assert.match(String(platform.warned[0]), /no snapshot of dogs: Error: the back end is down/);
});

test("a channel is live only with the state that its snapshot loads", async () => {
  const { calls, delivery } = withSnapshots();
  const { channel } = delivery;
  /** @type {boolean[]} */
  const lives = [];
  for (const name of /** @type {const} */ (["river:subscribed", "river:gap"]))
    channel.on(name, () => lives.push(channel.live));
  delivery.subscribed(subscribed(3));
  await settled();
  assert.equal(channel.live, false);
  calls[0]?.fail(new Error("the back end is down"));
  await platform.pass(500);
  assert.equal(channel.live, false);
  calls[1]?.answer();
  await settled();
  assert.equal(channel.live, true);
  delivery.receive(gap(20), CONNECTION);
  assert.equal(channel.live, false);
  await platform.pass(2_500);
  calls[2]?.answer();
  await settled();
  assert.equal(channel.live, true);
  delivery.lost(CONNECTION);
  subscription.ask(1, CONNECTION);
  delivery.subscribed(subscribed(30, { reason: "window" }));
  assert.deepEqual(lives, [false, false, false, false]);
  await platform.pass(500);
  calls[3]?.answer();
  await settled();
  assert.equal(channel.live, true);
});

test("a snapshot that hangs has failed after 30 s", async () => {
  const { calls, delivery } = withSnapshots();
  delivery.subscribed(subscribed(3));
  await settled();
  await platform.pass(30_500);
  assert.equal(calls.length, 2);
  calls[1]?.answer();
  await settled();
  assert.equal(platform.timers.size, 0);
});

test("a channel that nobody uses any more loads no snapshot", async () => {
  const { calls, delivery } = withSnapshots();
  delivery.subscribed(subscribed(3));
  await settled();
  calls[0]?.fail(new Error("the back end is down"));
  await settled();
  delivery.end();
  await platform.pass(60_000);
  assert.equal(calls.length, 1);
});

test("many clients that lost the same load their snapshots at times of their own", async () => {
  /** @type {number[]} */
  const times = [];
  for (let client = 0; client < 300; client++) {
    platform = new FakePlatform();
    platform.luck = (client + 1) / 301;
    const { calls, delivery } = withSnapshots();
    delivery.subscribed(subscribed(0));
    await settled();
    calls[0]?.answer();
    await settled();
    delivery.receive(gap(1), CONNECTION);
    delivery.receive(gap(2), CONNECTION);
    const begin = platform.now;
    while (calls.length < 2) await platform.pass(10);
    times.push(platform.now - begin);
    calls[1]?.answer();
    await platform.pass(10_000);
    assert.equal(calls.length, 2);
  }
  const busiest = Math.max(
    ...times.map((time) => times.filter((other) => other >= time && other < time + 1_000).length),
  );
  assert.ok(busiest < 70, `${busiest} in one second`);
});

test("clients that were spread over seconds are so again when the back end refuses", async () => {
  const { calls, delivery } = withSnapshots();
  delivery.subscribed(subscribed(0));
  await settled();
  calls[0]?.answer();
  await settled();
  delivery.receive({ ...gap(1), reload_after_ms: 6_000 }, CONNECTION);
  await platform.pass(6_000);
  for (const [attempt, waitMs] of [3_000, 3_000, 3_000, 4_000].entries()) {
    calls[attempt + 1]?.fail(new Error("too many"));
    await platform.pass(waitMs - 1);
    assert.equal(calls.length, attempt + 2);
    await platform.pass(1);
    assert.equal(calls.length, attempt + 3);
  }
});

test("a server that spreads its clients is obeyed", async () => {
  const { calls, delivery } = withSnapshots();
  delivery.channel.on("river:gap", ({ reloadAfterMs }) => heard.push(reloadAfterMs));
  delivery.subscribed(subscribed(0));
  await settled();
  calls[0]?.answer();
  await settled();
  delivery.receive({ ...gap(1), reload_after_ms: 20_000 }, CONNECTION);
  await platform.pass(19_999);
  assert.equal(calls.length, 1);
  await platform.pass(1);
  assert.equal(calls.length, 2);
  assert.deepEqual(heard, [20_000]);
});
