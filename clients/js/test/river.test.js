import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { River, RiverError } from "../src/river.js";
import { FakeSocket, settled } from "./fakes.js";
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

describe("connecting", () => {
  test("a client without options is a guest at the gateway that it came from", () => {
    assert.equal(new River(undefined, platform).state, "closed");
  });

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
    for (const token of [undefined, "", Promise.resolve("T")])
      assert.throws(() => make(/** @type {any} */ ({ token })), { code: "token_missing" });
    assert.throws(() => make({ host: "ftp://x" }), { code: "host_invalid" });
  });

  test("on a server nothing is opened and no token is asked for before connect()", async () => {
    let asked = 0;
    const token = () => {
      asked += 1;
      return "T";
    };
    const river = new River({ host: "/rt", token }, platform);
    const channel = river.subscribe("dogs");
    await assert.rejects(river.publish("dogs", "post", 1), { code: "not_connected" });
    await platform.pass(60_000);
    assert.equal(asked, 0);
    assert.equal(platform.timers.size, 0);
    assert.equal(channel.live, false);
    assert.equal(river.state, "closed");
    assert.match(river.reason, /call river.connect\(\)/);
    assert.deepEqual(platform.warned, [river.reason]);
    assert.throws(() => river.connect(), { code: "host_invalid" });
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

  test("a channel is left when all who subscribed have unsubscribed", async () => {
    const river = make();
    const socket = await accepted();
    const first = river.subscribe("dogs");
    answer(socket, 0);
    const second = river.subscribe("dogs").on("post", (data) => heard.push(data));
    first.unsubscribe();
    assert.equal(socket.last("unsubscribe"), undefined);
    socket.says(event(1));
    second.unsubscribe();
    assert.equal(socket.last("unsubscribe").channel, "dogs");
    socket.says(event(2));
    second.unsubscribe();
    assert.deepEqual(heard, [1]);
    assert.equal(socket.sent.filter(({ type }) => type === "unsubscribe").length, 1);
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

  test("a channel that a renewed token does not cover is an error, and waits for another token", async () => {
    const river = make();
    const channel = dogs(river).on("river:error", ({ code, message }) => heard.push(code, message));
    const socket = await accepted();
    answer(socket, 3);
    socket.says({ type: "unsubscribed", channel: "dogs", reason: "grant" }, event(4));
    assert.deepEqual(heard.splice(0), ["grant", "closed by the server"]);
    assert.equal(channel.live, false);
    const { id } = socket.last("subscribe");
    await platform.pass(9_000);
    assert.equal(socket.last("subscribe").id, id);
    socket.says(AUTHENTICATED);
    const { epoch, offset } = socket.last("subscribe");
    assert.deepEqual({ epoch, offset }, { epoch: "e", offset: 3 });
    answer(socket, 4, { recovered: true });
    socket.says(event(4));
    assert.deepEqual(heard, [4]);
  });

  test("who is removed from a channel stays out until the application subscribes again", async () => {
    const river = make();
    const channel = dogs(river).on("river:error", ({ code }) => heard.push(code));
    const first = await accepted();
    answer(first, 3);
    first.says({ type: "unsubscribed", channel: "dogs", reason: "removed" }, AUTHENTICATED);
    assert.deepEqual(heard.splice(0), ["removed"]);
    /** @param {import("./fakes.js").FakeSocket} socket */
    const asked = (socket) => socket.sent.filter(({ type }) => type === "subscribe").length;
    assert.equal(asked(first), 1);
    first.ends(1006);
    await platform.pass(9_000);
    const second = await accepted();
    assert.equal(asked(second), 0);
    assert.notEqual(dogs(river), channel);
    answer(second, 5);
    second.says(event(6));
    // Who had it before leaves what has ended, not what others have begun.
    channel.unsubscribe();
    second.says(event(7));
    assert.deepEqual(heard, [6, 7]);
  });

  test("who is removed may be subscribed again where that is said", async () => {
    const river = make();
    dogs(river).on("river:error", () => dogs(river));
    const socket = await accepted();
    answer(socket, 3);
    socket.says({ type: "unsubscribed", channel: "dogs", reason: "removed" });
    answer(socket, 5);
    socket.says(event(6));
    assert.deepEqual(heard, [6]);
  });

  test("after the last unsubscribe no callback is called, though one was about to be", async () => {
    const river = make();
    const channel = dogs(river).on("post", () => heard.push("second"));
    channel.on("*", () => heard.push("any"));
    channel.on("river:subscribed", ({ offset }) => offset > 3 && channel.unsubscribe());
    channel.on("river:gap", () => heard.push("gap"));
    const first = await accepted();
    answer(first, 3);
    first.ends(1006);
    await platform.pass(9_000);
    answer(await accepted(), 9, { reason: "window" });
    assert.deepEqual(heard, []);
    const again = dogs(river);
    again.on("post", () => again.unsubscribe());
    again.on("post", () => heard.push("second"));
    again.on("*", () => heard.push("any"));
    const socket = await newest();
    answer(socket, 9);
    socket.says(event(10));
    assert.deepEqual(heard, [10]);
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

  test("a publish that the server would not take is refused, and the connection stays", async () => {
    const river = make();
    const socket = await accepted();
    await assert.rejects(river.publish("dogs", "post", "x".repeat(70_000)), { code: "too_large" });
    assert.equal(socket.last("publish"), undefined);
    socket.says({ type: "welcome", session: "s", max_message_bytes: 100_000 });
    river.publish("dogs", "post", "x".repeat(70_000));
    assert.equal(socket.last("publish").channel, "dogs");
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
