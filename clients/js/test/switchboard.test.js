import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Switchboard } from "../src/switchboard.js";

describe("several clients on one connection", () => {
  /** @type {Switchboard} */
  let board;
  /** @type {any[]} what the server was asked and has not answered */
  let asked;
  /** @type {[string, any][]} what clients were told */
  let told;

  beforeEach(() => {
    asked = [];
    told = [];
    board = new Switchboard({
      server: (message) => asked.push(message),
      tabs: (tabs, message) => told.push([tabs.join("+"), message]),
    });
    for (const tab of ["a", "b"]) board.join(tab);
  });

  /** @param {object} answer to the oldest question */
  const answer = (answer) => board.heard({ ...answer, id: asked.shift().id });
  /**
   * @param {string} tab
   * @param {object} [more]
   */
  const subscribe = (tab, more) =>
    board.said(tab, { type: "subscribe", id: 7, channel: "dogs", ...more });
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
    told = [];
  }

  test("answers come back to who asked, with its own id", () => {
    board.said("a", { type: "publish", id: 1, channel: "dogs", event: "post", data: 1 });
    board.said("b", { type: "ping" });
    assert.equal(new Set(asked.map(({ id }) => id)).size, 2);
    answer({ type: "published", epoch: "e", offset: 1 });
    answer({ type: "pong" });
    assert.deepEqual(told, [
      ["a", { type: "published", epoch: "e", offset: 1, id: 1 }],
      ["b", { type: "pong" }],
    ]);
  });

  test("the server is asked for a channel once, and an event is told once to all", () => {
    subscribe("a");
    subscribe("b");
    assert.equal(asked.length, 1);
    answer(subscribed);
    assert.deepEqual(told.splice(0), [
      ["a", { ...subscribed, id: 7 }],
      ["b", { ...subscribed, id: 7 }],
    ]);
    board.heard(event(6));
    assert.deepEqual(told, [["a+b", event(6)]]);
  });

  test("who comes back is given what it missed before what is live", () => {
    live();
    subscribe("b", { epoch: "e", offset: 3 });
    board.heard(event(6));
    assert.deepEqual(told.splice(0), [["a", event(6)]]);
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
    assert.deepEqual(told, [
      ["b", resumed],
      ["b", event(4)],
      ["b", event(5)],
      ["b", event(6)],
    ]);
  });

  test("who missed too much is told so, and goes on from where the channel is", () => {
    live();
    subscribe("b", { epoch: "old", offset: 3 });
    answer({ type: "error", code: "unrecoverable", message: "epoch" });
    assert.deepEqual(told, [["b", { ...subscribed, id: 7, reason: "epoch" }]]);
  });

  test("much that was missed is read in pieces", () => {
    live();
    subscribe("b", { epoch: "e", offset: 0 });
    const first = Array.from({ length: 1_000 }, (_, index) => past(index + 1));
    answer({ type: "history", epoch: "e", offset: 1_001, publications: first });
    assert.equal(asked[0].offset, 1_000);
    answer({ type: "history", epoch: "e", offset: 1_001, publications: [past(1_001)] });
    assert.equal(told.length, 1_002);
  });

  test("who leaves while it is being connected is told nothing more of the channel", () => {
    live();
    subscribe("b", { history: 3 });
    board.said("b", { type: "unsubscribe", id: 8, channel: "dogs" });
    answer({ type: "history", epoch: "e", offset: 5, publications: [past(5)] });
    board.heard(event(6));
    assert.deepEqual(told, [
      ["b", { type: "unsubscribed", id: 8, channel: "dogs" }],
      ["a", event(6)],
    ]);
  });

  test("the server is told when the last one has left, in order or not", () => {
    subscribe("a");
    subscribe("b");
    board.leave("a");
    answer(subscribed);
    assert.deepEqual(told, [["b", { ...subscribed, id: 7 }]]);
    assert.deepEqual(asked, []);
    board.leave("b");
    assert.deepEqual(
      asked.map(({ type, channel }) => [type, channel]),
      [["unsubscribe", "dogs"]],
    );
  });

  test("a channel that is refused to one is asked for again by the other", () => {
    subscribe("a");
    subscribe("b");
    answer({ type: "error", code: "forbidden", message: "no" });
    assert.deepEqual(told.splice(0), [
      ["a", { type: "error", code: "forbidden", message: "no", id: 7 }],
    ]);
    assert.deepEqual(
      asked.map(({ type }) => type),
      ["subscribe"],
    );
    answer(subscribed);
    assert.deepEqual(told, [["b", { ...subscribed, id: 7 }]]);
  });

  test("on a presence channel who comes later is given the members", () => {
    const channel = "presence-dogs";
    board.said("a", { type: "subscribe", id: 1, channel });
    answer({ ...subscribed, channel, presence: { count: 1, members: [{ user: "ada" }] } });
    board.said("b", { type: "subscribe", id: 2, channel });
    answer({ type: "presence", channel, count: 1, members: [{ user: "ada" }] });
    const presence = { count: 1, members: [{ user: "ada" }] };
    assert.deepEqual(told.at(-1), ["b", { ...subscribed, id: 2, channel, presence }]);
  });

  test("what concerns the whole connection is told to all", () => {
    board.heard({ type: "bye", reason: "draining", retry_after_ms: 10 });
    assert.deepEqual(told, [["a+b", { type: "bye", reason: "draining", retry_after_ms: 10 }]]);
  });
});
