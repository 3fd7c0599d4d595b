import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Feed } from "../src/feed.js";

describe("channels over plain HTTP", () => {
  const realFetch = globalThis.fetch;
  /** @type {any[]} what the server says to each poll, now or later; then it has nothing to say */
  let answers;
  /** @type {any[]} */
  let told;
  /** @type {string[]} where each request begins */
  let cursors;
  /** @type {Feed} */
  let feed;

  beforeEach(() => {
    [answers, told, cursors] = [[], [], []];
    /** @type {any} */
    const polled = async (/** @type {string} */ _, /** @type {any} */ { headers, signal }) => {
      cursors.push(headers["last-event-id"]);
      const events = answers.shift();
      if (events) return { ok: true, json: async () => ({ events: await events }) };
      return new Promise((_, reject) => {
        signal.onabort = () => reject(new Error("aborted"));
      });
    };
    globalThis.fetch = polled;
    feed = new Feed({
      url: "http://rt.example.com",
      polls: true,
      headers: () => ({}),
      secret: undefined,
      message: (message) => told.push(message),
      end: () => {},
    });
  });
  afterEach(() => {
    feed.close();
    globalThis.fetch = realFetch;
  });

  /** @param {any} [position] */
  const subscribe = (position) =>
    feed.channels.set("dogs", { id: 7, isAsked: true, position, history: 0, answeredAt: 0 });
  /** @param {any} more */
  const subscribed = (more) => ({ type: "subscribed", channel: "dogs", epoch: "e", ...more });
  /** @param {number} count */
  async function requested(count) {
    while (cursors.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  test("a request that cannot go on says when to reload, as the server spreads it", async () => {
    subscribe();
    answers = [[subscribed({ offset: 5, recovered: false })]];
    feed.restart(0);
    await requested(2);
    const lost = { epoch: "f", offset: 1, recovered: false, reason: "epoch" };
    answers = [[subscribed({ ...lost, reload_after_ms: 30_000 })]];
    feed.restart(0);
    await requested(4);
    assert.deepEqual(
      { ...told.at(-1) },
      { type: "gap", channel: "dogs", epoch: "f", offset: 1, reload_after_ms: 30_000 },
    );
  });

  test("who comes back while a request is under way begins where that one does", async () => {
    subscribe({ epoch: "e", offset: 3 });
    /** @type {(events: any[]) => void} */
    let say = () => {};
    answers = [
      new Promise((resolve) => {
        say = resolve;
      }),
    ];
    feed.restart(0);
    await requested(1);
    // The application leaves the channel, and comes again without a position.
    subscribe();
    say([subscribed({ offset: 5, recovered: true })]);
    await requested(2);
    assert.deepEqual(cursors, [".e:3", ".e:5"]);
  });
});
