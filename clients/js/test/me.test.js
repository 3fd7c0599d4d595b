import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { AUTHENTICATED, begin, event, heard, make, newest, platform } from "./scene.js";

beforeEach(begin);

/** @param {number} offset */
const note = (offset) => event(offset, { channel: "#user", event: "note" });

/**
 * The next connection, and where the server says that the user's channel stands.
 *
 * @param {object} [position]
 */
async function next(position) {
  platform.pass(60_000);
  const socket = await newest();
  socket.open();
  const own = position && { user_position: { epoch: "e", recovered: false, ...position } };
  socket.says({ type: "welcome", session: "s", auth_timeout_s: 15 }, { ...AUTHENTICATED, ...own });
  return socket;
}

describe("what the back end publishes to a page's user", () => {
  test("it comes without a subscription, and each connection goes on where the last one ended", async () => {
    const river = make();
    river.me.on("note", (/** @type {unknown} */ data) => heard.push(data));
    river.me.on("river:gap", () => heard.push("gap"));
    const first = await next({ offset: 3 });
    assert.equal(first.last("auth").user_position, undefined);
    first.says(note(4), note(4), note(5));
    first.ends(1006);
    const second = await next({ offset: 6, recovered: true });
    assert.deepEqual(second.last("auth").user_position, { epoch: "e", offset: 5 });
    second.says(note(5), note(6));
    assert.deepEqual(heard, [4, 5, 6]);
    assert.equal(second.last("subscribe"), undefined);
  });

  test("what cannot be had again is a gap", async () => {
    const river = make();
    river.me.on("river:gap", (/** @type {any} */ gap) => heard.push(gap.reason, gap.offset));
    (await next({ offset: 3 })).ends(1006);
    await next({ epoch: "f", offset: 1, reason: "epoch" });
    assert.deepEqual(heard, ["epoch", 1]);
  });

  test("a server that says only later where it stands is listened to from there", async () => {
    const river = make();
    river.me.on("note", (/** @type {unknown} */ data) => heard.push(data));
    const socket = await next();
    socket.says(
      { type: "subscribed", channel: "#user", epoch: "e", offset: 7, recovered: false },
      note(8),
    );
    assert.deepEqual(heard, [8]);
  });

  test("a renewed token says no position, and the channel cannot be left", async () => {
    const river = make({ token: () => "T" });
    river.me.on("note", (/** @type {unknown} */ data) => heard.push(data));
    const socket = await next({ offset: 0 });
    socket.says(note(1));
    river.me.unsubscribe();
    river.unsubscribe("#user");
    assert.equal(river.subscribe("#user"), river.me);
    socket.says({ ...AUTHENTICATED, id: "auth" }, note(2));
    assert.deepEqual(heard, [1, 2]);
    assert.equal(socket.last("subscribe") ?? socket.last("unsubscribe"), undefined);
  });

  test("a client that is closed when its user's channel is live stays closed", async () => {
    const river = make();
    river.me.on("river:subscribed", () => river.disconnect());
    const socket = await next({ offset: 3 });
    assert.equal(socket.closed, true);
    assert.equal(river.state, "closed");
    await platform.pass(120_000);
    assert.equal(await newest(), socket);
    assert.equal(river.state, "closed");
  });
});
