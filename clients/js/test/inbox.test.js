import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Inbox } from "../src/inbox.js";
import { FakePlatform } from "./fakes.js";

/** @type {FakePlatform} */
let platform;
/** @type {number[]} */
let handled;

beforeEach(() => {
  platform = new FakePlatform();
  handled = [];
});

/**
 * An inbox whose items take so many milliseconds each.
 *
 * @param {number} costMs
 */
function inboxOf(costMs) {
  return new Inbox((/** @type {number} */ item) => {
    handled.push(item);
    platform.now += costMs;
  }, platform);
}

test("an item is handled at once", () => {
  const inbox = inboxOf(0);
  inbox.push(1);
  assert.deepEqual(handled, [1]);
  assert.equal(inbox.size, 0);
});

test("after 25 ms of work the rest waits for another turn", () => {
  const inbox = inboxOf(10);
  for (let item = 1; item <= 7; item++) inbox.push(item);
  assert.deepEqual(handled, [1, 2, 3]);
  assert.equal(inbox.size, 4);
  platform.turn();
  assert.deepEqual(handled, [1, 2, 3, 4, 5, 6]);
  platform.turn();
  assert.deepEqual(handled, [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(inbox.size, 0);
});

test("what comes while others wait keeps its place behind them", () => {
  const inbox = inboxOf(30);
  inbox.push(1);
  inbox.push(2);
  platform.turn();
  inbox.push(3);
  platform.turn();
  assert.deepEqual(handled, [1, 2, 3]);
});

test("an item that is pushed by the handling of another comes after it", () => {
  /** @type {Inbox<number>} */
  const inbox = new Inbox((item) => {
    if (item === 1) inbox.push(2);
    handled.push(item);
  }, platform);
  inbox.push(1);
  assert.deepEqual(handled, [1, 2]);
});

test("50,000 items cost no turn longer than 25 ms and none is lost", () => {
  const inbox = inboxOf(0.01);
  for (let item = 0; item < 50_000; item++) inbox.push(item);
  let longestMs = 0;
  while (inbox.size > 0) {
    const before = platform.now;
    platform.turn();
    longestMs = Math.max(longestMs, platform.now - before);
  }
  assert.ok(longestMs < 26, `${longestMs} ms`);
  assert.deepEqual(
    handled,
    Array.from({ length: 50_000 }, (_, item) => item),
  );
});

test("held items wait until they are released or cleared", () => {
  const inbox = inboxOf(0);
  inbox.hold();
  inbox.push(1);
  assert.deepEqual(handled, []);
  inbox.clear();
  inbox.push(2);
  inbox.release();
  inbox.push(3);
  assert.deepEqual(handled, [2, 3]);
});

test("an item whose handling throws is reported, and the next ones are handled", () => {
  const inbox = new Inbox((/** @type {number} */ item) => {
    handled.push(item);
    if (item === 1) throw new Error("mine");
  }, platform);
  inbox.push(1);
  inbox.push(2);
  assert.deepEqual(handled, [1, 2]);
  assert.equal(platform.reported.length, 1);
});

test("a platform that cannot give another turn does not stop it", () => {
  platform.defer = () => {
    throw new TypeError("MessageChannel is not a constructor");
  };
  const inbox = inboxOf(30);
  for (const item of [1, 2, 3]) inbox.push(item);
  assert.deepEqual(handled, [1, 2, 3]);
});
