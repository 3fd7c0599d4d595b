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

  test("a server that is about to stop is left in time, and nothing is missed", async () => {
    const river = make();
    dogs(river);
    const first = await accepted();
    answer(first, 0);
    first.says({ type: "bye", reason: "draining", retry_after_ms: 2_000 }, event(1));
    await platform.pass(2_249);
    assert.equal(first.closed, false);
    first.says(event(2));
    await platform.pass(1);
    assert.equal(first.closed, true);
    const second = await accepted();
    assert.equal(second.last("subscribe").offset, 2);
    assert.deepEqual(heard, [1, 2]);
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
    assert.equal(river.reason, "more came in than the page could handle");
    await platform.pass(250);
    const second = await accepted();
    assert.equal(second.last("subscribe").offset, channel.position?.offset);
    assert.ok(/** @type {any} */ (channel.position).offset > 100_000);
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
