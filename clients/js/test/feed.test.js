import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Feed } from "../src/feed.js";
import { Subscription } from "../src/subscription.js";
import { FakePlatform, settled } from "./fakes.js";

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
 * A feed that has been asked for, as question 1.
 *
 * @param {import("../src/feed.js").Snapshot} [snapshot]
 */
function asked(snapshot) {
  subscription = new Subscription("dogs", { random: platform.random });
  subscription.ask(1);
  const calls = {
    publish: () => Promise.reject(new Error("not in this test")),
    history: () => Promise.reject(new Error("not in this test")),
  };
  const feed = new Feed(subscription, platform, { snapshot, calls });
  feed.events.on("*", (data) => heard.push(data));
  return feed;
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

/** A snapshot function whose answers the test gives. */
function snapshots() {
  /** @type {{why: unknown, answer: (position?: unknown) => void, fail: (error: Error) => void}[]} */
  const calls = [];
  /** @param {unknown} why */
  const snapshot = (why) =>
    new Promise((answer, fail) => {
      calls.push({ why, answer, fail });
    });
  return { calls, snapshot };
}

test("an event goes to the callbacks of its name and to those of all names", () => {
  const feed = asked();
  /** @type {unknown[]} */
  const details = [];
  feed.channel.bind("post", (data, detail) => details.push(data, detail));
  feed.channel.on("*", (_, detail) => details.push(detail.event));
  feed.subscribed(subscribed(0));
  feed.receive({ ...event(1), user: "ada" });
  assert.deepEqual(details, [
    1,
    { channel: "dogs", event: "post", data: 1, epoch: "e", offset: 1, user: "ada" },
    "post",
  ]);
});

test("the position moves when the callbacks have been called", () => {
  const feed = asked();
  /** @type {unknown[]} */
  const positions = [];
  feed.channel.bind("post", () => positions.push(feed.channel.position?.offset));
  feed.subscribed(subscribed(0));
  feed.receive(event(1));
  assert.deepEqual(positions, [0]);
  assert.deepEqual(feed.channel.position, { epoch: "e", offset: 1 });
});

test("a publisher cannot call what River itself says", () => {
  const feed = asked();
  feed.channel.bind("river:gap", () => heard.push("a gap"));
  feed.subscribed(subscribed(0));
  feed.receive({ ...event(1), event: "river:gap" });
  assert.deepEqual(heard, [1]);
});

test("a callback that is unbound is not called", () => {
  const feed = asked();
  const callback = () => heard.push("called");
  feed.channel.on("post", callback).off("post", callback);
  feed.channel.on("river:gap", callback).unbind("river:gap", callback);
  feed.subscribed(subscribed(0));
  feed.receive(event(1));
  feed.receive(gap(1));
  assert.deepEqual(heard, [1]);
});

test("what comes before the channel is live, or after it is lost, is not handed on", () => {
  const feed = asked();
  feed.receive(event(1));
  feed.subscribed(subscribed(1));
  feed.lost();
  feed.receive(event(2));
  assert.deepEqual(heard, []);
});

test("River says when the channel is live, and whether anything is missing", () => {
  const feed = asked();
  for (const name of /** @type {const} */ (["river:subscribed", "river:gap"])) {
    feed.channel.bind(name, (/** @type {unknown} */ detail) => heard.push([name, detail]));
  }
  feed.subscribed(subscribed(3));
  feed.lost();
  subscription.ask(1);
  feed.subscribed(subscribed(5, { recovered: true }));
  feed.lost();
  subscription.ask(1);
  feed.subscribed(subscribed(9, { reason: "window" }));
  feed.receive(gap(2));
  assert.deepEqual(heard, [
    ["river:subscribed", { recovered: false, epoch: "e", offset: 3 }],
    ["river:subscribed", { recovered: true, epoch: "e", offset: 5 }],
    ["river:subscribed", { recovered: false, epoch: "e", offset: 9 }],
    ["river:gap", { reason: "window", epoch: "e", offset: 9 }],
    ["river:gap", { reason: "gap", epoch: "f", offset: 2 }],
  ]);
});

test("presence is kept as a list and told as it changes", () => {
  const feed = asked();
  for (const name of /** @type {const} */ (["river:joined", "river:left"])) {
    feed.channel.bind(name, (member) => heard.push([name, member.user]));
  }
  feed.channel.bind("river:presence", ({ count }) => heard.push(count));
  const presence = { count: 1, members: [{ user: "ada" }] };
  feed.subscribed(subscribed(0, { presence }));
  feed.receive({ type: "joined", channel: "dogs", user: "bob", info: { age: 7 } });
  feed.receive({ type: "left", channel: "dogs", user: "ada" });
  assert.deepEqual(feed.channel.presence.members, new Map([["bob", { age: 7 }]]));
  feed.receive({ type: "presence", channel: "dogs", count: 1, members: [{ user: "cyd" }] });
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
  const { calls, snapshot } = snapshots();
  const feed = asked(snapshot);
  feed.subscribed(subscribed(3));
  for (const offset of [4, 5, 6]) feed.receive(event(offset));
  await settled();
  assert.deepEqual(heard, []);
  assert.deepEqual(calls[0]?.why, { reason: "start", epoch: "e", offset: 3 });
  calls[0]?.answer({ epoch: "e", offset: 5 });
  await settled();
  feed.receive(event(7));
  assert.deepEqual(heard, [6, 7]);
});

test("a snapshot that is ahead of the feed leaves out what comes later, too", async () => {
  const { calls, snapshot } = snapshots();
  const feed = asked(snapshot);
  feed.subscribed(subscribed(3));
  calls[0]?.answer({ epoch: "e", offset: 5 });
  await settled();
  for (const offset of [4, 5, 6]) feed.receive(event(offset));
  assert.deepEqual(heard, [6]);
});

test("a snapshot without a position is followed by all that came since it was begun", async () => {
  const { calls, snapshot } = snapshots();
  const feed = asked(snapshot);
  feed.subscribed(subscribed(3));
  feed.receive(event(4));
  calls[0]?.answer();
  await settled();
  assert.deepEqual(heard, [4]);
});

test("a gap during a snapshot makes it fetch another one", async () => {
  const { calls, snapshot } = snapshots();
  const feed = asked(snapshot);
  feed.subscribed(subscribed(3));
  feed.receive(event(4));
  feed.receive(gap(20));
  feed.receive(event(21));
  calls[0]?.answer({ epoch: "e", offset: 9 });
  await settled();
  assert.deepEqual(heard, []);
  assert.deepEqual(calls[1]?.why, { reason: "gap", epoch: "f", offset: 20 });
  calls[1]?.answer();
  await settled();
  assert.deepEqual(heard, [21]);
});

test("a connection lost during a snapshot brings the waiting events again, once", async () => {
  const { calls, snapshot } = snapshots();
  const feed = asked(snapshot);
  feed.subscribed(subscribed(3));
  feed.receive(event(4));
  feed.lost();
  assert.equal(subscription.ask(1).offset, 3);
  feed.subscribed(subscribed(5, { recovered: true }));
  for (const offset of [4, 5]) feed.receive(event(offset));
  calls[0]?.answer();
  await settled();
  assert.deepEqual(heard, [4, 5]);
  assert.equal(calls.length, 1);
});

test("more events than may wait are replaced by another snapshot", async () => {
  const { calls, snapshot } = snapshots();
  const feed = asked(snapshot);
  feed.subscribed(subscribed(0));
  for (let offset = 1; offset <= 10_001; offset++) feed.receive(event(offset));
  calls[0]?.answer();
  await settled();
  assert.deepEqual(calls[1]?.why, { reason: "gap", epoch: "e", offset: 10_001 });
  feed.receive(event(10_002));
  calls[1]?.answer();
  await settled();
  assert.deepEqual(heard, [10_002]);
});

test("a snapshot that fails is told, and the events go on", async () => {
  const { calls, snapshot } = snapshots();
  const feed = asked(snapshot);
  const cause = new Error("the back end is down");
  feed.channel.bind("river:error", (error) => heard.push(error.code, error.cause));
  feed.subscribed(subscribed(3));
  feed.receive(event(4));
  calls[0]?.fail(cause);
  await settled();
  assert.deepEqual(heard, ["snapshot_failed", cause, 4]);
  assert.equal(platform.reported.length, 1);
});
