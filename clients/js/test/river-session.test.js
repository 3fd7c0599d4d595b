import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { River } from "../src/river.js";
import {
  accepted,
  answer,
  begin,
  dogs,
  event,
  heard,
  make,
  newest,
  platform,
  Socket,
} from "./scene.js";

beforeEach(begin);

/** @param {string} session */
const welcome = (session) => ({
  type: "welcome",
  session,
  resume_session: `secret of ${session}`,
  auth_timeout_s: 15,
});
const AUTHENTICATED = { type: "authenticated", id: "auth", user: "ada", expires_at: null };

/**
 * The next connection, and what its first message said.
 *
 * @param {string} session
 * @param {string} [continued] what the server answers
 */
async function next(session, continued) {
  platform.pass(60_000);
  const socket = await newest();
  socket.open();
  socket.says(welcome(session), { ...AUTHENTICATED, session: continued });
  return socket;
}

describe("the session of a page", () => {
  test("it is that of the first connection, which later ones continue", async () => {
    const river = make();
    assert.equal(river.session, null);
    const first = await next("s.1");
    assert.equal(river.session, "s.1");
    assert.equal(first.last("auth").resume_session, undefined);
    first.ends(1006);
    const second = await next("s.2", "s.1");
    assert.equal(second.last("auth").resume_session, "secret of s.1");
    assert.equal(river.session, "s.1");
    second.ends(1006);
    assert.equal((await next("s.3", "s.1")).last("auth").resume_session, "secret of s.1");
  });

  test("where a server does not know it again, it is that of the new connection", async () => {
    const river = make();
    (await next("s.1")).ends(1006);
    (await next("s.2", "s.2")).ends(1006);
    assert.equal(river.session, "s.2");
    assert.equal((await next("s.3", "s.2")).last("auth").resume_session, "secret of s.2");
  });

  test("its secret is not printed", async () => {
    const river = make();
    (await next("s.1")).ends(1006);
    /** @type {unknown[]} */
    const sent = [];
    river.debug((line, what) => line === "river sent" && sent.push(what));
    await next("s.2", "s.1");
    assert.deepEqual(sent[0], { type: "auth", id: "auth" });
  });
});

describe("events that no log keeps", () => {
  test("they are delivered and move no position", async () => {
    const channel = make().subscribe("dogs");
    channel.on("typing", (data, detail) => heard.push([data, detail]));
    const socket = await accepted();
    answer(socket, 41);
    socket.says({ type: "event", channel: "dogs", event: "typing", data: 1, after: 41 });
    assert.deepEqual(heard, [
      [1, { channel: "dogs", event: "typing", data: 1, epoch: "e", after: 41 }],
    ]);
    assert.deepEqual(channel.position, { epoch: "e", offset: 41 });
  });

  test("one that comes first does not stand for the past that was asked for", async () => {
    const channel = make().subscribe("dogs", { history: 2 });
    channel.on("*", (data) => heard.push(data));
    const socket = await accepted();
    answer(socket, 0);
    socket.says({ type: "event", channel: "dogs", event: "typing", data: "t", after: 0 });
    socket.says(event(1), event(2));
    assert.deepEqual(heard, ["t", 1, 2]);
  });

  test("those that are withheld from this page leave no hole", async () => {
    const channel = dogs(make());
    const socket = await accepted();
    answer(socket, 41);
    socket.says(event(42), event(44));
    assert.deepEqual(heard, [42, 44]);
    socket.ends(1006);
    platform.pass(60_000);
    const again = await accepted();
    assert.equal(again.last("subscribe").offset, 44);
    assert.equal(channel.position?.offset, 44);
  });

  test("a publish says so, and whom to leave out, and is answered with what it follows", async () => {
    const river = make();
    const socket = await next("s.1");
    const options = { keep: false, exclude: river.session ?? undefined };
    const published = river.subscribe("dogs").publish("typing", 1, options);
    const { id, keep, exclude } = socket.last("publish");
    assert.deepEqual([keep, exclude], [false, "s.1"]);
    socket.says({ type: "published", id, epoch: "e", after: 8 });
    assert.deepEqual(await published, { epoch: "e", after: 8 });
  });
});

describe("a guest", () => {
  /** A page that has no token. */
  function guest() {
    return new River({ host: "rt.example.com", WebSocket: Socket }, platform);
  }

  test("it subscribes without a token, and is connected when the server is there", async () => {
    const river = guest();
    const channel = dogs(river);
    const socket = await newest();
    socket.open();
    assert.deepEqual(socket.sent, [{ type: "subscribe", id: 1, channel: "dogs" }]);
    socket.says(welcome("s.1"));
    assert.equal(river.state, "connected");
    assert.equal(river.user, null);
    answer(socket, 41);
    socket.says(event(42));
    assert.deepEqual(heard, [42]);
    assert.equal(channel.live, true);
  });

  test("it comes back, and moves to another server when it is asked to", async () => {
    const river = guest();
    dogs(river);
    const socket = await newest();
    socket.open();
    socket.says(welcome("s.1"));
    answer(socket, 41);
    socket.ends(1006);
    platform.pass(60_000);
    const second = await newest();
    second.open();
    second.says(welcome("s.2"));
    assert.equal(second.last("subscribe").offset, 41);
    answer(second, 41, { recovered: true });
    second.says({ type: "bye", reason: "draining", retry_after_ms: 100 });
    platform.pass(5_000);
    const third = await newest();
    assert.notEqual(third, second);
    third.open();
    third.says(welcome("s.3"));
    assert.equal(third.last("subscribe").offset, 41);
    assert.equal(river.state, "connected");
  });

  test("what a guest may not have is refused, and the others go on", async () => {
    const river = guest();
    dogs(river);
    const secret = river.subscribe("secret");
    secret.on("river:error", ({ code }) => heard.push(code));
    const socket = await newest();
    socket.open();
    socket.says(welcome("s.1"));
    const { id } = socket.last("subscribe");
    socket.says({ type: "error", id, code: "unauthenticated", message: "send a token first" });
    assert.deepEqual(heard, ["unauthenticated"]);
    assert.equal(river.state, "connected");
  });

  test("a token that is given and is empty makes no guest", () => {
    for (const token of [undefined, "", null])
      assert.throws(() => make({ token: /** @type {any} */ (token) }), { code: "token_missing" });
  });
});
