import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Multiplexer } from "../src/multiplexer.js";

describe("several clients on one connection", () => {
  /** @type {Multiplexer} */
  let multiplexer;
  /** @type {any[]} what the server was asked and has not answered */
  let asked;
  /** @type {[string, any][]} what clients received */
  let received;

  beforeEach(() => {
    asked = [];
    received = [];
    multiplexer = new Multiplexer({
      server: (message) => asked.push(message),
      tabs: (tabs, message) => received.push([tabs.join("+"), message]),
    });
    for (const tab of ["a", "b"]) multiplexer.join(tab);
  });

  /** @param {object} answer to the oldest question */
  const answer = (answer) => multiplexer.fromServer({ ...answer, id: asked.shift().id });
  /**
   * @param {string} tab
   * @param {object} [more]
   */
  const subscribe = (tab, more) =>
    multiplexer.fromTab(tab, { type: "subscribe", id: 7, channel: "dogs", ...more });
  const subscribed = {
    type: "subscribed",
    channel: "dogs",
    epoch: "e",
    offset: 5,
    recovered: false,
  };
  /** @param {number} offset */
  const event = (offset) => ({
    type: "event",
    channel: "dogs",
    event: "post",
    data: offset,
    offset,
  });
  /** @param {number} offset */
  const past = (offset) => ({ event: "post", data: offset, offset });

  function live() {
    subscribe("a");
    answer(subscribed);
    received = [];
  }

  test("all clients hear what is published to their user, also who comes later", () => {
    const own = { type: "event", channel: "#user", event: "note", data: 6, offset: 6 };
    multiplexer.fromTab("a", { type: "auth", id: "auth", token: "T" });
    answer({
      type: "authenticated",
      user: "ada",
      user_position: { epoch: "e", offset: 5, recovered: false },
    });
    multiplexer.fromServer(own);
    assert.deepEqual(received.at(-1), ["a+b", own]);
    multiplexer.join("c");
    multiplexer.fromTab("c", { type: "auth", id: "auth", token: "T" });
    answer({ type: "authenticated", user: "ada" });
    assert.deepEqual(received.at(-1), [
      "c",
      {
        type: "authenticated",
        id: "auth",
        user: "ada",
        user_position: { epoch: "e", offset: 6, recovered: false },
      },
    ]);
    const late = {
      type: "subscribed",
      channel: "#user",
      epoch: "f",
      offset: 2,
      recovered: false,
    };
    multiplexer.fromServer(late);
    assert.deepEqual(received.at(-1), ["a+b+c", late]);
  });

  test("a client that comes later is told what the connection began with", () => {
    const welcome = { type: "welcome", session: "s.1" };
    multiplexer.greet("b");
    multiplexer.fromServer(welcome);
    multiplexer.join("c");
    multiplexer.greet("c");
    assert.deepEqual(received, [
      ["a+b", welcome],
      ["c", welcome],
    ]);
  });

  test("answers come back to who asked, with its own id", () => {
    multiplexer.fromTab("a", { type: "publish", id: 1, channel: "dogs", event: "post", data: 1 });
    multiplexer.fromTab("b", { type: "ping" });
    assert.equal(new Set(asked.map(({ id }) => id)).size, 2);
    answer({ type: "published", epoch: "e", offset: 1 });
    answer({ type: "pong" });
    assert.deepEqual(received, [
      ["a", { type: "published", epoch: "e", offset: 1, id: 1 }],
      ["b", { type: "pong" }],
    ]);
  });

  test("the server is asked for a channel once, and an event is received once to all", () => {
    subscribe("a");
    subscribe("b");
    assert.equal(asked.length, 1);
    answer(subscribed);
    assert.deepEqual(received.splice(0), [
      ["a", { ...subscribed, id: 7 }],
      ["b", { ...subscribed, id: 7 }],
    ]);
    multiplexer.fromServer(event(6));
    assert.deepEqual(received, [["a+b", event(6)]]);
  });

  test("who comes back is given what it missed before what is live", () => {
    live();
    subscribe("b", { epoch: "e", offset: 3 });
    multiplexer.fromServer(event(6));
    assert.deepEqual(received.splice(0), [["a", event(6)]]);
    answer({
      type: "history",
      channel: "dogs",
      epoch: "e",
      offset: 5,
      publications: [past(4), past(5)],
    });
    const resumed = {
      type: "subscribed",
      id: 7,
      channel: "dogs",
      epoch: "e",
      offset: 5,
      recovered: true,
    };
    assert.deepEqual(received, [
      ["b", resumed],
      ["b", event(4)],
      ["b", event(5)],
      ["b", event(6)],
    ]);
  });

  test("who missed too much reloads when the others do, as the server spreads them", (context) => {
    context.mock.timers.enable({ apis: ["Date"], now: 1_700_000_000_000 });
    const lost = { recovered: false, reason: "epoch" };
    const tooOld = { type: "error", code: "unrecoverable", message: "epoch" };
    const old = { epoch: "old", offset: 3 };
    subscribe("a", old);
    subscribe("b", old);
    answer({ ...subscribed, ...lost, reload_after_ms: 30_000 });
    context.mock.timers.tick(1_000);
    answer(tooOld);
    assert.equal(received.at(-1)?.[1].reload_after_ms, 29_000);
    multiplexer.fromServer({ ...event(9), type: "gap", epoch: "f", reload_after_ms: 60_000 });
    subscribe("b", old);
    answer(tooOld);
    assert.equal(received.at(-1)?.[1].reload_after_ms, 60_000);
    context.mock.timers.tick(60_000);
    subscribe("b", old);
    answer(tooOld);
    assert.deepEqual(received.at(-1), [
      "b",
      { ...subscribed, ...lost, id: 7, epoch: "f", offset: 9 },
    ]);
  });

  test("who missed too much is received so, and goes on from where the channel is", () => {
    live();
    subscribe("b", { epoch: "old", offset: 3 });
    answer({ type: "error", code: "unrecoverable", message: "epoch" });
    assert.deepEqual(received, [["b", { ...subscribed, id: 7, reason: "epoch" }]]);
  });

  test("much that was missed is read in pieces", () => {
    live();
    subscribe("b", { epoch: "e", offset: 0 });
    const first = Array.from({ length: 1_000 }, (_, index) => past(index + 1));
    answer({ type: "history", epoch: "e", offset: 1_001, publications: first });
    assert.equal(asked[0].offset, 1_000);
    answer({ type: "history", epoch: "e", offset: 1_001, publications: [past(1_001)] });
    assert.equal(received.length, 1_002);
  });

  test("who leaves while it is being connected is received nothing more of the channel", () => {
    live();
    subscribe("b", { history: 3 });
    multiplexer.fromTab("b", { type: "unsubscribe", id: 8, channel: "dogs" });
    answer({ type: "history", epoch: "e", offset: 5, publications: [past(5)] });
    multiplexer.fromServer(event(6));
    assert.deepEqual(received, [
      ["b", { type: "unsubscribed", id: 8, channel: "dogs" }],
      ["a", event(6)],
    ]);
  });

  test("the server is received when the last one has left, in order or not", () => {
    subscribe("a");
    subscribe("b");
    multiplexer.leave("a");
    answer(subscribed);
    assert.deepEqual(received, [["b", { ...subscribed, id: 7 }]]);
    assert.deepEqual(asked, []);
    multiplexer.leave("b");
    assert.deepEqual(
      asked.map(({ type, channel }) => [type, channel]),
      [["unsubscribe", "dogs"]],
    );
  });

  test("a channel that is refused to one is asked for again by the other", () => {
    subscribe("a");
    subscribe("b");
    answer({ type: "error", code: "forbidden", message: "no" });
    assert.deepEqual(received.splice(0), [
      ["a", { type: "error", code: "forbidden", message: "no", id: 7 }],
    ]);
    assert.deepEqual(
      asked.map(({ type }) => type),
      ["subscribe"],
    );
    answer(subscribed);
    assert.deepEqual(received, [["b", { ...subscribed, id: 7 }]]);
  });

  test("a channel that the server ends is ended for all, and asked for anew", () => {
    subscribe("a");
    answer(subscribed);
    const ended = { type: "unsubscribed", channel: "dogs", reason: "removed" };
    multiplexer.fromServer(ended);
    assert.deepEqual(received.at(-1), ["a", ended]);
    subscribe("b");
    assert.deepEqual(
      asked.map(({ type }) => type),
      ["subscribe"],
    );
  });

  test("on a presence channel who comes later is given the members", () => {
    const channel = "presence-dogs";
    multiplexer.fromTab("a", { type: "subscribe", id: 1, channel });
    answer({ ...subscribed, channel, presence: { count: 1, members: [{ user: "ada" }] } });
    multiplexer.fromTab("b", { type: "subscribe", id: 2, channel });
    answer({ type: "presence", channel, count: 1, members: [{ user: "ada" }] });
    const presence = { count: 1, members: [{ user: "ada" }] };
    assert.deepEqual(received.at(-1), ["b", { ...subscribed, id: 2, channel, presence }]);
  });

  test("a rule gives a channel members too, and who comes later is given them", () => {
    const presence = { count: 1, members: [{ user: "ada" }] };
    subscribe("a");
    answer({ ...subscribed, presence });
    subscribe("b");
    assert.equal(asked[0]?.type, "presence");
    answer({ type: "presence", channel: "dogs", ...presence });
    assert.deepEqual(received.at(-1), ["b", { ...subscribed, id: 7, presence }]);
  });

  test("where the members cannot be had, who comes later is subscribed without them", () => {
    const channel = "presence-dogs";
    multiplexer.fromTab("a", { type: "subscribe", id: 1, channel });
    answer({ ...subscribed, channel, presence: { count: 1, members: [{ user: "ada" }] } });
    multiplexer.fromTab("b", { type: "subscribe", id: 2, channel });
    answer({ type: "error", code: "too_fast", message: "read too many bytes" });
    assert.deepEqual(received.at(-1), ["b", { ...subscribed, id: 2, channel }]);
  });

  test("what concerns the whole connection is received to all", () => {
    multiplexer.fromServer({ type: "bye", reason: "draining", retry_after_ms: 10 });
    assert.deepEqual(received, [["a+b", { type: "bye", reason: "draining", retry_after_ms: 10 }]]);
  });
});
