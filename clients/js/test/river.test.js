import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { River, RiverError } from "../src/river.js";
import { FakePlatform, FakeSocket, fakeSockets, settled } from "./fakes.js";

/** @type {FakePlatform} */
let platform;
/** @type {FakeSocket[]} */
let sockets;
/** @type {typeof FakeSocket} */
let Socket;
/** @type {unknown[]} */
let heard;

beforeEach(() => {
  platform = new FakePlatform();
  ({ made: sockets, Socket } = fakeSockets());
  heard = [];
});

/** @param {Partial<import("../src/river.js").Options>} [options] */
const make = (options) =>
  new River({ host: "rt.example.com", token: "T", WebSocket: Socket, ...options }, platform);

/** The socket of the newest attempt, once the client has a token. */
async function newest() {
  await settled();
  return /** @type {FakeSocket} */ (sockets.at(-1));
}

const AUTHENTICATED = { type: "authenticated", id: "auth", user: "ada", expires_at: null };

/** A socket that is open, with its user known to the server. */
async function accepted() {
  const socket = await newest();
  socket.open();
  socket.says({ type: "welcome", session: "s", auth_timeout_s: 15 }, AUTHENTICATED);
  return socket;
}

/**
 * The answer to the last subscribe.
 *
 * @param {FakeSocket} socket
 * @param {number} offset
 * @param {object} [more]
 */
function answer(socket, offset, more) {
  const { id, channel } = socket.last("subscribe");
  socket.says({ type: "subscribed", id, channel, epoch: "e", offset, recovered: false, ...more });
}

/**
 * @param {number} offset
 * @param {object} [more]
 */
const event = (offset, more) => ({
  type: "event",
  channel: "dogs",
  event: "post",
  data: offset,
  offset,
  ...more,
});

/** @param {River} river */
function dogs(river) {
  return river.subscribe("dogs").bind("post", (data) => heard.push(data));
}

describe("connecting", () => {
  test("the token and the subscribes go out together, before anything was answered", async () => {
    const river = make();
    river.subscribe("dogs");
    river.subscribe("cats", { history: 20 });
    const socket = await newest();
    assert.deepEqual(socket.sent, []);
    socket.open();
    assert.equal(socket.url, "ws://rt.example.com/ws");
    assert.deepEqual(socket.sent, [
      { type: "auth", id: "auth", token: "T" },
      { type: "subscribe", id: 1, channel: "dogs" },
      { type: "subscribe", id: 2, channel: "cats", history: 20 },
    ]);
    assert.equal(river.state, "connecting");
    socket.says(AUTHENTICATED);
    assert.equal(river.state, "connected");
    assert.equal(river.user, "ada");
  });

  test("the state is told with its reason, and the user is known by then", async () => {
    const river = make();
    river.on("state", ({ state, reason, retryInMs }) => {
      heard.push([state, reason, retryInMs, river.user]);
    });
    (await accepted()).ends(1006);
    river.disconnect();
    assert.deepEqual(heard, [
      ["connected", "connected", undefined, "ada"],
      ["waiting", "the connection was lost", 250, "ada"],
      ["closed", "closed by the application", undefined, "ada"],
    ]);
    assert.equal(river.reason, "closed by the application");
  });

  test("url and jwt are other words for host and token", async () => {
    make({ host: undefined, token: undefined, url: "https://x.example", jwt: () => "J" });
    const socket = await newest();
    socket.open();
    assert.equal(socket.url, "wss://x.example/ws");
    assert.equal(socket.last("auth").token, "J");
  });

  test("what cannot work is refused at once", () => {
    assert.throws(() => make({ token: undefined }), { code: "token_missing" });
    assert.throws(() => make({ host: "ftp://x" }), { code: "host_invalid" });
    assert.throws(
      () => new River({ host: "x", token: "T" }, platform),
      (error) => {
        return (
          "WebSocket" in globalThis ||
          /** @type {RiverError} */ (error).code === "websocket_missing"
        );
      },
    );
  });

  test("a WebSocket class that throws is a server that cannot be reached", async () => {
    class Forbidden extends FakeSocket {
      /** @param {string} url */
      constructor(url) {
        super(url);
        throw new Error("not allowed by the page");
      }
    }
    const river = make({ WebSocket: Forbidden });
    await settled();
    platform.turn();
    assert.equal(river.state, "waiting");
    assert.equal(river.reason, "the server cannot be reached");
  });

  test("what answers but is not River is told apart, and tried again", async () => {
    const river = make();
    const socket = await newest();
    socket.open();
    socket.onmessage?.({ data: "<html>" });
    assert.equal(river.state, "waiting");
    assert.equal(river.reason, "what answers there is not River");
    assert.equal(socket.closed, true);
  });

  test("a client that is disconnected leaves no timer and no socket behind", async () => {
    const river = make();
    const socket = await accepted();
    river.disconnect();
    assert.equal(socket.closed, true);
    assert.equal(platform.timers.size, 0);
    assert.equal(platform.signal, null);
  });

  test("a callback may disconnect in the middle of connecting", async () => {
    const river = make();
    const first = await accepted();
    river.on("state", ({ state }) => {
      if (state === "connecting") river.disconnect();
    });
    first.ends(1006);
    await platform.pass(30_000);
    assert.equal(river.state, "closed");
    assert.equal(sockets.at(-1)?.closed, true);
    assert.equal(platform.timers.size, 0);
  });
});

describe("channels", () => {
  test("events are handed on, and a duplicate is not", async () => {
    const channel = dogs(make());
    const socket = await accepted();
    answer(socket, 41);
    socket.says(event(42), event(42), event(43));
    assert.deepEqual(heard, [42, 43]);
    assert.deepEqual(channel.position, { epoch: "e", offset: 43 });
    assert.equal(channel.live, true);
  });

  test("the same name gives the same channel", () => {
    const river = make();
    assert.equal(river.subscribe("dogs"), river.subscribe("dogs"));
    assert.equal(river.subscribe("dogs").name, "dogs");
  });

  test("a channel can be subscribed and left while connected", async () => {
    const river = make();
    const socket = await accepted();
    dogs(river);
    answer(socket, 0);
    river.unsubscribe("dogs");
    assert.equal(socket.last("unsubscribe").channel, "dogs");
    socket.says(event(1));
    assert.deepEqual(heard, []);
    assert.equal(river.subscribe("dogs").live, false);
  });

  test("leaving and coming back in flight takes only the last answer", async () => {
    const river = make();
    const socket = await accepted();
    dogs(river);
    const first = socket.last("subscribe").id;
    river.unsubscribe("dogs");
    const channel = dogs(river);
    socket.says({ type: "error", id: first, code: "cancelled", message: "unsubscribed" });
    socket.says({ type: "unsubscribed", id: first + 1, channel: "dogs" });
    socket.says(event(7));
    assert.equal(channel.live, false);
    answer(socket, 7);
    socket.says(event(8));
    assert.deepEqual(heard, [8]);
  });

  test("leaving what was never subscribed says nothing", async () => {
    const river = make();
    const socket = await accepted();
    river.unsubscribe("cats");
    assert.equal(socket.last("unsubscribe"), undefined);
  });

  test("a refused channel is told to those who bound its errors, and not asked again", async () => {
    const river = make();
    river.subscribe("private-dogs").bind("river:error", (error) => heard.push(error));
    const socket = await accepted();
    socket.says({ type: "error", id: 1, code: "forbidden", message: "no grant" });
    const [error] = /** @type {RiverError[]} */ (heard);
    assert.ok(error instanceof RiverError);
    assert.equal(error.code, "forbidden");
    await platform.pass(20_000);
    assert.equal(socket.sent.filter(({ type }) => type === "subscribe").length, 1);
    river.subscribe("private-dogs");
    assert.equal(socket.last("subscribe").id, 2);
  });

  test("a refusal that may pass is asked again while connected", async () => {
    const river = make();
    dogs(river);
    const socket = await accepted();
    socket.says({ type: "error", id: 1, code: "broker_unavailable", message: "later" });
    await platform.pass(6_000);
    assert.equal(socket.last("subscribe").id, 2);
  });

  test("onGap and the past can be asked for in one line", async () => {
    make().subscribe("dogs", { history: 3, onGap: ({ reason }) => heard.push(reason) });
    const socket = await accepted();
    assert.equal(socket.last("subscribe").history, 3);
    answer(socket, 9);
    socket.says({ type: "gap", channel: "dogs", epoch: "f", offset: 1 });
    assert.deepEqual(heard, ["gap"]);
  });

  test("the past comes before what is live, and what was not asked for is dropped", async () => {
    const river = make();
    river.subscribe("dogs", { history: 3 }).bind("post", (data) => heard.push(data));
    const socket = await accepted();
    answer(socket, 9);
    socket.says(event(7), event(8), event(9), event(10), event(9));
    assert.deepEqual(heard, [7, 8, 9, 10]);
  });

  test("when no past follows, the position is the channel's", async () => {
    const river = make();
    const channel = river.subscribe("dogs", { history: 3 });
    channel.bind("post", (data) => heard.push(data));
    const socket = await accepted();
    answer(socket, 9);
    socket.says({ type: "pong" }, event(9), event(10));
    assert.deepEqual(heard, [10]);
  });

  test("a callback that throws does not stop the others nor the position", async () => {
    const river = make();
    const channel = river.subscribe("dogs").bind("post", () => {
      throw new Error("mine");
    });
    dogs(river);
    const socket = await accepted();
    answer(socket, 0);
    socket.says(event(1), event(2));
    assert.deepEqual(heard, [1, 2]);
    assert.equal(channel.position?.offset, 2);
    assert.equal(platform.reported.length, 2);
  });
});

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
    river.on("state", ({ error }) => heard.push(/** @type {RiverError} */ (error).code));
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

describe("asking", () => {
  test("a publish is answered with its position", async () => {
    const channel = make().subscribe("dogs");
    const socket = await accepted();
    const published = channel.publish("typing", { user: "ada" });
    const { id } = socket.last("publish");
    assert.deepEqual(socket.last("publish"), {
      type: "publish",
      id,
      channel: "dogs",
      event: "typing",
      data: { user: "ada" },
    });
    socket.says({ type: "published", id, epoch: "e", offset: 8 });
    assert.deepEqual(await published, { epoch: "e", offset: 8 });
  });

  test("a publish that is refused is rejected with the server's code", async () => {
    const river = make();
    const socket = await accepted();
    const published = river.publish("dogs", "post", 1);
    socket.says({ type: "error", id: 1, code: "forbidden", message: "no grant" });
    await assert.rejects(published, { name: "RiverError", code: "forbidden" });
  });

  test("without a connection a publish is refused", async () => {
    const river = make();
    await assert.rejects(river.publish("dogs", "post", 1), { code: "not_connected" });
    river.disconnect();
    await assert.rejects(river.publish("dogs", "post", 1), { code: "not_connected" });
  });

  test("where it was agreed publishes wait for a connection, as many as agreed", async () => {
    const river = make({ queue: 1 });
    const first = river.publish("dogs", "post", 1);
    await assert.rejects(river.publish("dogs", "post", 2), { code: "queue_full" });
    const socket = await accepted();
    const { id, data } = socket.last("publish");
    assert.equal(data, 1);
    socket.says({ type: "published", id, epoch: "e", offset: 1 });
    assert.equal((await first).offset, 1);
  });

  test("what waits is given up when the client is closed", async () => {
    const river = make({ queue: 1 });
    const published = river.publish("dogs", "post", 1);
    river.disconnect();
    await assert.rejects(published, { code: "disconnected" });
  });

  test("a publish whose connection is lost says that nobody knows", async () => {
    const river = make();
    const socket = await accepted();
    const published = river.publish("dogs", "post", 1);
    socket.ends(1006);
    await assert.rejects(published, { code: "connection_lost" });
  });

  test("a publish without an answer is given up", async () => {
    const river = make();
    const socket = await accepted();
    const published = assert.rejects(river.publish("dogs", "post", 1), { code: "timeout" });
    for (let round = 0; round < 4; round++) {
      await platform.pass(4_000);
      socket.says({ type: "pong" });
    }
    await published;
  });

  test("history can be asked for at once, and waits for the connection", async () => {
    const channel = make().subscribe("dogs");
    const answered = channel.history({ limit: 2, after: { epoch: "e", offset: 5 } });
    const socket = await accepted();
    const { id } = socket.last("history");
    assert.deepEqual(socket.last("history"), {
      type: "history",
      id,
      channel: "dogs",
      limit: 2,
      epoch: "e",
      offset: 5,
    });
    const publications = [{ offset: 6, event: "post", data: 1 }];
    socket.says({ type: "history", id, channel: "dogs", epoch: "e", offset: 6, publications });
    assert.deepEqual(await answered, { epoch: "e", offset: 6, publications });
  });
});

test("the trace shows what happens and no token", async () => {
  const river = make();
  river.debug((line, what) => heard.push(`${line} ${JSON.stringify(what)}`));
  const socket = await accepted();
  const trace = heard.join("\n");
  assert.match(trace, /river sent .*"auth"/);
  assert.match(trace, /river received .*"authenticated"/);
  assert.match(trace, /river state .*"connected"/);
  assert.doesNotMatch(trace, /"T"/);
  const lines = heard.length;
  river.debug(false);
  socket.says({ type: "pong" });
  assert.equal(heard.length, lines);
});
