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

describe("coming back", () => {
  test("every channel resumes where it was, with one subscribe each", async () => {
    const river = make();
    dogs(river);
    const first = await accepted();
    answer(first, 41);
    river.subscribe("cats");
    first.says(event(42));
    first.ends(1006);
    await platform.pass(250);
    const second = await accepted();
    assert.notEqual(second, first);
    assert.deepEqual(
      second.sent.map(({ type, channel, epoch, offset }) => [type, channel, epoch, offset]),
      [
        ["auth", undefined, undefined, undefined],
        ["subscribe", "dogs", "e", 42],
        ["subscribe", "cats", undefined, undefined],
      ],
    );
    const { id } = second.sent[1];
    second.says({
      type: "subscribed",
      id,
      channel: "dogs",
      epoch: "e",
      offset: 44,
      recovered: true,
    });
    second.says(event(43), event(44), event(45));
    assert.deepEqual(heard, [42, 43, 44, 45]);
  });

  test("what an abandoned socket still says is not heard", async () => {
    const river = make();
    dogs(river);
    const first = await accepted();
    answer(first, 0);
    river.disconnect();
    river.connect();
    const second = await accepted();
    first.says(event(1));
    first.ends(1006);
    assert.deepEqual(heard, []);
    assert.equal(river.state, "connected");
    assert.equal(second.closed, false);
  });

  test("a dead connection is found after waking, within seconds", async () => {
    const river = make();
    const first = await accepted();
    await platform.pass(4_000);
    platform.sleep(3_600_000);
    await platform.pass(5_000);
    assert.equal(first.last("ping")?.type, "ping");
    await platform.pass(5_250);
    assert.notEqual(await newest(), first);
    assert.equal(river.state, "connecting");
  });

  test("the signals of the browser reach the connection", async () => {
    const river = make();
    const first = await accepted();
    first.ends(1006);
    platform.signal?.("offline");
    assert.equal(river.reason, "the device is offline");
    platform.signal?.("online");
    assert.notEqual(await newest(), first);
  });

  test("an idle connection is kept alive", async () => {
    const river = make();
    const socket = await accepted();
    for (let round = 1; round <= 4; round++) {
      await platform.pass(30_000);
      socket.says({ type: "pong" });
      assert.equal(socket.sent.filter(({ type }) => type === "ping").length, round);
    }
    assert.equal(river.state, "connected");
    assert.equal(sockets.length, 1);
  });

  test("a page that is too slow lets the connection go and resumes", async () => {
    const river = make();
    const channel = dogs(river).bind("post", () => {
      platform.now += 30;
    });
    const first = await accepted();
    answer(first, 0);
    first.says(event(1), event(2));
    for (let offset = 3; offset <= 100_010; offset++) first.says(event(offset));
    assert.equal(first.closed, true);
    channel.unbind("post");
    while (platform.deferred.length > 0) platform.turn();
    assert.equal(river.reason, "the page could not keep up");
    await platform.pass(250);
    const second = await accepted();
    assert.equal(second.last("subscribe").offset, channel.position?.offset);
    assert.ok(/** @type {any} */ (channel.position).offset > 100_000);
  });
});

describe("a server that is about to stop", () => {
  /** A client that was asked to go, and has opened another connection. */
  async function moving() {
    const river = make({ queue: 1 });
    dogs(river);
    river.on("state", ({ state }) => heard.push(state));
    const first = await accepted();
    answer(first, 0);
    first.says({ type: "bye", reason: "draining", retry_after_ms: 2_000 }, event(1));
    await platform.pass(2_249);
    assert.equal(sockets.length, 1);
    await platform.pass(1);
    const second = await newest();
    assert.notEqual(second, first);
    return { river, first, second };
  }

  /**
   * @param {import("./fakes.js").FakeSocket} socket
   * @param {number} offset
   */
  const resumed = (socket, offset) => answer(socket, offset, { recovered: true });

  test("the old connection serves until the channels are live on the new one", async () => {
    const { river, first, second } = await moving();
    first.says(event(2));
    second.open();
    assert.equal(second.last("subscribe").offset, 2);
    first.says(event(3));
    second.says(AUTHENTICATED);
    assert.equal(first.closed, false);
    assert.equal(river.state, "connected");
    resumed(second, 4);
    assert.equal(first.closed, true);
    second.says(event(3), event(4));
    first.says(event(4), event(5));
    first.ends(4503);
    second.says(event(5));
    assert.deepEqual(heard, ["connected", 1, 2, 3, 4, 5]);
    assert.equal(sockets.length, 2);
  });

  test("what was asked on the old connection is answered there before it is closed", async () => {
    const { river, first, second } = await moving();
    const published = river.publish("dogs", "post", 1);
    second.open();
    second.says(AUTHENTICATED);
    resumed(second, 2);
    assert.equal(first.closed, false);
    const { id } = first.last("publish");
    first.says({ type: "published", id, epoch: "e", offset: 3 });
    assert.equal((await published).offset, 3);
    assert.equal(first.closed, true);
    river.publish("dogs", "post", 2);
    assert.equal(second.last("publish").data, 2);
  });

  test("a channel that is subscribed or left meanwhile is so on the new connection", async () => {
    const { river, first, second } = await moving();
    second.open();
    const cats = river.subscribe("cats");
    assert.equal(second.last("subscribe").channel, "cats");
    assert.equal(first.last("subscribe").channel, "dogs");
    river.unsubscribe("dogs");
    assert.equal(first.last("unsubscribe").channel, "dogs");
    assert.equal(second.last("unsubscribe").channel, "dogs");
    second.says(AUTHENTICATED);
    answer(second, 0);
    assert.equal(cats.live, true);
    assert.equal(first.closed, true);
  });

  test("a new connection that is refused is tried again soon, and the old one serves on", async () => {
    const { river, first, second } = await moving();
    second.ends(4503);
    first.says(event(2));
    await platform.pass(249);
    assert.equal(sockets.length, 2);
    await platform.pass(1);
    assert.equal(sockets.length, 3);
    assert.equal(river.state, "connected");
    const third = await newest();
    third.open();
    assert.equal(third.last("subscribe").offset, 2);
    third.says(AUTHENTICATED);
    resumed(third, 2);
    assert.equal(first.closed, true);
    assert.deepEqual(heard, ["connected", 1, 2]);
  });

  test("when the old server is gone first, the new connection takes over as far as it is", async () => {
    const { river, first, second } = await moving();
    first.ends(4503);
    assert.equal(river.state, "connecting");
    const published = river.publish("dogs", "post", 1);
    second.open();
    assert.equal(second.last("subscribe").offset, 1);
    second.says(AUTHENTICATED, { type: "published", id: second.last("publish").id });
    await published;
    resumed(second, 2);
    second.says(event(2));
    assert.deepEqual(heard, ["connected", 1, "connecting", "connected", 2]);
    assert.equal(sockets.length, 2);
  });

  test("when both are gone the client comes back as after any loss", async () => {
    const { river, first, second } = await moving();
    second.ends(4503);
    first.ends(4503);
    assert.equal(river.state, "waiting");
    await platform.pass(500);
    const third = await accepted();
    resumed(third, 1);
    assert.equal(river.state, "connected");
    assert.equal(sockets.length, 3);
  });

  test("the outage begins when the old connection ends, however long another was tried", async () => {
    const { river, first, second } = await moving();
    second.ends(4503);
    for (const end = platform.now + 30_000; platform.now < end; ) {
      await platform.pass(100);
      const attempt = sockets.at(-1);
      if (attempt !== first && attempt !== second && !attempt?.closed) attempt?.ends(4503);
    }
    const tried = sockets.length;
    first.ends(4503);
    assert.equal(river.state, "waiting");
    await platform.pass(250);
    assert.equal(sockets.length, tried + 1);
    resumed(await accepted(), 0);
    assert.equal(river.state, "connected");
  });

  test("a server that asks to go on the new connection too is left for a third", async () => {
    const { first, second } = await moving();
    second.open();
    second.says(AUTHENTICATED, { type: "bye", reason: "draining", retry_after_ms: 0 });
    await platform.pass(250);
    assert.equal(second.closed, true);
    assert.equal(first.closed, false);
    const third = await newest();
    third.open();
    third.says(AUTHENTICATED);
    resumed(third, 1);
    assert.equal(first.closed, true);
    assert.equal(third.closed, false);
  });

  test("a client that is disconnected while it moves closes both", async () => {
    const { river, first, second } = await moving();
    second.open();
    river.disconnect();
    assert.deepEqual([first.closed, second.closed], [true, true]);
    assert.equal(platform.timers.size, 0);
    assert.equal(platform.signal, null);
    assert.deepEqual(heard, ["connected", 1, "closed"]);
  });

  test("an event of the past that the new connection brings comes once", async () => {
    const river = make();
    river.subscribe("dogs", { history: 2 }).on("post", (data) => heard.push(data));
    const first = await accepted();
    answer(first, 9);
    first.says({ type: "bye", reason: "draining", retry_after_ms: 0 });
    first.says(event(10));
    await platform.pass(250);
    const second = await accepted();
    resumed(second, 11);
    second.says(event(11));
    assert.deepEqual(heard, [10, 11]);
  });
});

describe("tokens", () => {
  test("a token is renewed on the same connection before it ends", async () => {
    let tokens = 0;
    const river = make({ token: async () => `T${++tokens}` });
    const socket = await newest();
    socket.open();
    const expires_at = platform.wall / 1000 + 20;
    socket.says({ ...AUTHENTICATED, expires_at });
    await platform.pass(10_000);
    assert.equal(socket.last("auth").token, "T2");
    socket.says({ ...AUTHENTICATED, expires_at: expires_at + 600 });
    assert.equal(river.state, "connected");
    assert.equal(sockets.length, 1);
  });

  test("another token may allow what the last one did not", async () => {
    let tokens = 0;
    const river = make({ token: () => `T${++tokens}` });
    river.subscribe("private-dogs");
    const socket = await newest();
    socket.open();
    socket.says({ ...AUTHENTICATED, expires_at: platform.wall / 1000 + 20 });
    socket.says({ type: "error", id: 1, code: "forbidden", message: "no grant" });
    await platform.pass(10_000);
    socket.says(AUTHENTICATED);
    assert.equal(socket.last("subscribe").id, 2);
  });

  test("a refused token is followed by another one", async () => {
    let tokens = 0;
    const river = make({ token: () => `T${++tokens}` });
    const first = await newest();
    first.open();
    first.says({
      type: "error",
      id: "auth",
      code: "token_expired",
      message: "the token has expired",
    });
    first.ends(4401);
    assert.equal(river.reason, "the token has expired");
    assert.equal(river.state, "waiting");
    await platform.pass(250);
    const second = await newest();
    second.open();
    assert.equal(second.last("auth").token, "T2");
  });

  test("a fixed token that is refused closes for good", async () => {
    const river = make();
    river.on("state", ({ error }) =>
      heard.push(/** @type {import("../src/river.js").RiverError} */ (error).code),
    );
    const socket = await newest();
    socket.open();
    socket.says({
      type: "error",
      id: "auth",
      code: "token_expired",
      message: "the token has expired",
    });
    socket.ends(4401);
    assert.equal(river.state, "closed");
    assert.deepEqual(heard, ["token_expired"]);
    await platform.pass(60_000);
    assert.equal(sockets.length, 1);
  });

  test("a token function that hangs is asked again", async () => {
    let asked = 0;
    const river = make({
      token: () => {
        asked += 1;
        return asked === 1 ? new Promise(() => {}) : "T2";
      },
    });
    await platform.pass(10_000);
    assert.equal(river.state, "waiting");
    assert.match(river.reason, /no answer in 10 s/);
    await platform.pass(5_000);
    assert.equal((await newest()).closed, false);
  });
});
