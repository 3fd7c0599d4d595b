/** A move to another server that fails half way: what had moved goes on where it came from. */

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import {
  AUTHENTICATED,
  accepted,
  answer,
  begin,
  dogs,
  event,
  heard,
  make,
  newest,
  platform,
  sockets,
} from "./scene.js";

beforeEach(begin);

/** A client that was asked to go, and has opened another connection. */
async function moving() {
  const river = make();
  dogs(river);
  const first = await accepted();
  answer(first, 0);
  first.says({ type: "bye", reason: "draining", retry_after_ms: 0 }, event(1));
  await platform.pass(250);
  const second = await newest();
  assert.notEqual(second, first);
  return { river, first, second };
}

/**
 * @param {import("./fakes.js").FakeSocket} socket
 * @param {number} offset
 */
const resumed = (socket, offset) => answer(socket, offset, { recovered: true });

describe("a move that fails half way", () => {
  test("a channel that had moved when the new connection is lost goes on at the old one", async () => {
    const { river, first, second } = await moving();
    const cats = river.subscribe("cats");
    answer(first, 0);
    /** @type {unknown[]} */
    const errors = [];
    const channel = dogs(river).on("river:error", ({ code }) => errors.push(code));
    second.open();
    second.says(AUTHENTICATED);
    const asked = second.sent.find(
      ({ type, channel }) => type === "subscribe" && channel === "dogs",
    );
    second.says({ ...asked, type: "subscribed", epoch: "e", offset: 1, recovered: true });
    // The new server is behind, and what the old one brings is not waited for any more.
    first.says(event(2));
    second.ends(1006);
    // No third one can be had for a while.
    const before = first.sent.length;
    for (let round = 0; round < 40; round++) {
      await platform.pass(250);
      for (const one of sockets.slice(2)) if (!one.closed) one.ends(1006);
    }
    const sent = first.sent.slice(before).filter(({ type }) => type !== "ping");
    assert.deepEqual(
      sent.map(({ type, channel, offset }) => [type, channel, offset]),
      [
        ["unsubscribe", "dogs", undefined],
        ["subscribe", "dogs", 1],
      ],
    );
    first.says({ type: "unsubscribed", id: sent[0].id, channel: "dogs" });
    resumed(first, 2);
    first.says(event(2), event(3));
    assert.deepEqual(heard.filter(Number.isInteger), [1, 2, 2, 3, 3]);
    assert.deepEqual([channel.live, cats.live, errors], [true, true, []]);
  });

  test("a channel that the new server refused, and that is lost, goes on at the old one", async () => {
    const { first, second } = await moving();
    second.open();
    const { id } = second.last("subscribe");
    second.says({ type: "error", id, code: "unavailable", message: "later" });
    second.ends(1006);
    for (let round = 0; round < 40; round++) {
      await platform.pass(250);
      for (const one of sockets.slice(2)) if (!one.closed) one.ends(1006);
    }
    assert.equal(first.last("unsubscribe").channel, "dogs");
    resumed(first, 1);
    first.says(event(2));
    assert.deepEqual(heard, [1, 2]);
  });
});
