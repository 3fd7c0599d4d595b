import assert from "node:assert/strict";
import { test } from "node:test";
import { Subscription } from "../src/subscription.js";

/** @param {{history?: number, since?: {epoch: string, offset: number}}} [options] */
const make = (options) => new Subscription("dogs", { random: () => 0.5, ...options });

/**
 * @param {number} id
 * @param {number} offset
 * @param {Partial<import("../src/protocol.js").Subscribed>} [more]
 * @returns {import("../src/protocol.js").Subscribed}
 */
const subscribed = (id, offset, more) => ({
  type: "subscribed",
  id,
  channel: "dogs",
  epoch: "e",
  offset,
  recovered: false,
  ...more,
});

const CONNECTION = { name: "the only one" };

/** @param {string} code */
const refusal = (code) => ({ type: /** @type {const} */ ("error"), id: 1, code, message: "no" });

/**
 * The offsets that are accepted, each seen before the next comes.
 *
 * @param {Subscription} subscription
 * @param {number[]} offsets
 */
function through(subscription, offsets) {
  return offsets.filter((offset) => {
    const accepted = subscription.accepts({ offset });
    if (accepted) subscription.saw({ offset });
    return accepted;
  });
}

test("an event that no log keeps is accepted, and moves nothing", () => {
  const subscription = make();
  subscription.ask(1, CONNECTION);
  subscription.subscribed(subscribed(1, 41));
  assert.equal(subscription.accepts({ offset: undefined }), true);
  subscription.saw({ offset: undefined });
  assert.deepEqual(subscription.position, { epoch: "e", offset: 41 });
});

test("offsets may be skipped: what is withheld from this page is no hole", () => {
  const subscription = make();
  subscription.ask(1, CONNECTION);
  subscription.subscribed(subscribed(1, 41));
  assert.deepEqual(through(subscription, [42, 44, 43, 47]), [42, 44, 47]);
  assert.deepEqual(subscription.position, { epoch: "e", offset: 47 });
});

test("it is due once, until it is answered", () => {
  const subscription = make();
  assert.equal(subscription.isDue(0), true);
  assert.deepEqual(subscription.ask(1, CONNECTION), { type: "subscribe", id: 1, channel: "dogs" });
  assert.equal(subscription.isDue(0), false);
  assert.equal(subscription.subscribed(subscribed(1, 41)), "start");
  assert.equal(subscription.live, true);
  assert.equal(subscription.isDue(0), false);
  assert.deepEqual(subscription.position, { epoch: "e", offset: 41 });
});

test("the answer to an earlier question is not taken for this one's", () => {
  const subscription = make();
  subscription.ask(1, CONNECTION);
  subscription.lost(CONNECTION);
  subscription.ask(2, CONNECTION);
  assert.equal(subscription.subscribed(subscribed(1, 41)), null);
  assert.equal(subscription.live, false);
});

test("an event that was seen is not accepted again", () => {
  const subscription = make();
  subscription.ask(1, CONNECTION);
  subscription.subscribed(subscribed(1, 41));
  assert.deepEqual(through(subscription, [40, 41, 42, 42, 43, 41, 44]), [42, 43, 44]);
});

test("the next connection resumes after the last event that was seen", () => {
  const subscription = make();
  subscription.ask(1, CONNECTION);
  subscription.subscribed(subscribed(1, 41));
  through(subscription, [42]);
  subscription.lost(CONNECTION);
  assert.deepEqual(subscription.ask(2, CONNECTION), {
    type: "subscribe",
    id: 2,
    channel: "dogs",
    epoch: "e",
    offset: 42,
  });
  assert.equal(subscription.subscribed(subscribed(2, 45, { recovered: true })), "resumed");
  assert.deepEqual(subscription.position, { epoch: "e", offset: 42 });
  assert.deepEqual(through(subscription, [43, 44, 45, 46]), [43, 44, 45, 46]);
});

test("when what was missed cannot be had it goes on from where the log is now", () => {
  for (const reason of ["epoch", "window", "unknown"]) {
    const subscription = make();
    subscription.ask(1, CONNECTION);
    subscription.subscribed(subscribed(1, 41));
    subscription.lost(CONNECTION);
    subscription.ask(2, CONNECTION);
    assert.equal(subscription.subscribed(subscribed(2, 3, { epoch: "f", reason })), reason);
    assert.deepEqual(subscription.position, { epoch: "f", offset: 3 });
    assert.deepEqual(through(subscription, [3, 4]), [4]);
  }
});

test("it can begin where the page was rendered", () => {
  const subscription = make({ since: { epoch: "e", offset: 38 } });
  assert.equal(subscription.ask(1, CONNECTION).offset, 38);
  assert.equal(subscription.subscribed(subscribed(1, 41, { recovered: true })), "resumed");
  assert.deepEqual(through(subscription, [39, 40, 41]), [39, 40, 41]);
});

test("events of the past are taken when they were asked for", () => {
  const subscription = make({ history: 20 });
  assert.deepEqual(subscription.ask(1, CONNECTION), {
    type: "subscribe",
    id: 1,
    channel: "dogs",
    history: 20,
  });
  subscription.subscribed(subscribed(1, 41));
  subscription.settle(true);
  assert.deepEqual(through(subscription, [40, 41, 42]), [40, 41, 42]);
});

test("a connection that is lost amid the past resumes there", () => {
  const subscription = make({ history: 20 });
  subscription.ask(1, CONNECTION);
  subscription.subscribed(subscribed(1, 41));
  subscription.settle(true);
  through(subscription, [22, 23]);
  subscription.lost(CONNECTION);
  assert.equal(subscription.ask(2, CONNECTION).offset, 23);
});

test("a connection that is lost before the past came asks for it again", () => {
  const subscription = make({ history: 20 });
  subscription.ask(1, CONNECTION);
  subscription.subscribed(subscribed(1, 41));
  subscription.lost(CONNECTION);
  assert.equal(subscription.ask(2, CONNECTION).history, 20);
  assert.equal(subscription.subscribed(subscribed(2, 45)), "start");
  subscription.settle(true);
  assert.deepEqual(through(subscription, [26, 27]), [26, 27]);
});

test("when more happened meanwhile than it asks for, that is a gap", () => {
  for (const now of [subscribed(2, 62), subscribed(2, 5, { epoch: "f" })]) {
    const subscription = make({ history: 20 });
    subscription.ask(1, CONNECTION);
    subscription.subscribed(subscribed(1, 41));
    subscription.lost(CONNECTION);
    subscription.ask(2, CONNECTION);
    assert.equal(subscription.subscribed(now), "window");
  }
});

test("where there is no past the next connection resumes", () => {
  const subscription = make({ history: 20 });
  subscription.ask(1, CONNECTION);
  subscription.subscribed(subscribed(1, 41));
  subscription.settle(false);
  assert.equal(subscription.accepts({ offset: 41 }), false);
  subscription.lost(CONNECTION);
  assert.equal(subscription.ask(2, CONNECTION).offset, 41);
});

test("a refusal that may pass is asked again after a while", () => {
  for (const code of ["broker_unavailable", "too_fast"]) {
    const subscription = make();
    subscription.ask(1, CONNECTION);
    assert.equal(subscription.refused(refusal(code), 1_000), true);
    assert.equal(subscription.isDue(1_249), false);
    assert.equal(subscription.isDue(1_250), true);
  }
});

test("a refusal that will not pass waits for another token or another connection", () => {
  const subscription = make();
  subscription.ask(1, CONNECTION);
  subscription.refused(refusal("forbidden"), 0);
  assert.equal(subscription.isDue(1e12), false);
  subscription.retry();
  assert.equal(subscription.isDue(0), true);
  subscription.ask(2, CONNECTION);
  assert.equal(subscription.refused(refusal("forbidden"), 0), false);
  subscription.lost(CONNECTION);
  assert.equal(subscription.isDue(0), true);
});

test("a position of another epoch does not move it", () => {
  const subscription = make();
  subscription.ask(1, CONNECTION);
  subscription.subscribed(subscribed(1, 41));
  subscription.saw({ epoch: "f", offset: 99 });
  assert.deepEqual(subscription.position, { epoch: "e", offset: 41 });
});

test("after a gap it goes on under the new epoch", () => {
  const subscription = make();
  subscription.ask(1, CONNECTION);
  subscription.subscribed(subscribed(1, 41));
  subscription.restart({ epoch: "f", offset: 7 });
  assert.deepEqual(through(subscription, [7, 9]), [9]);
  assert.deepEqual(subscription.position, { epoch: "f", offset: 9 });
});

test("while the client moves, the channel is live on the old connection until the new one answers", () => {
  const next = { name: "the next one" };
  const subscription = make();
  subscription.ask(1, CONNECTION);
  subscription.subscribed(subscribed(1, 41));
  assert.equal(subscription.ask(2, next).offset, 41);
  assert.equal(subscription.isLiveOn(CONNECTION), true);
  assert.equal(subscription.pending, true);
  through(subscription, [42]);
  assert.equal(subscription.subscribed(subscribed(2, 43, { recovered: true })), "resumed");
  assert.equal(subscription.isLiveOn(next), true);
  assert.deepEqual(through(subscription, [42, 43, 44]), [43, 44]);
  subscription.lost(CONNECTION);
  assert.equal(subscription.live, true);
});

test("a move that fails leaves the channel where it was", () => {
  const next = { name: "the next one" };
  const subscription = make();
  subscription.ask(1, CONNECTION);
  subscription.subscribed(subscribed(1, 41));
  subscription.ask(2, next);
  subscription.lost(next);
  assert.equal(subscription.isLiveOn(CONNECTION), true);
  assert.equal(subscription.isDue(0), false);
  subscription.ask(3, next);
  subscription.lost(CONNECTION);
  assert.equal(subscription.isDue(0), false);
  assert.equal(subscription.subscribed(subscribed(3, 41, { recovered: true })), "resumed");
});
