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
  Socket,
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
    const code = "WebSocket" in globalThis ? "host_invalid" : "websocket_missing";
    assert.throws(() => river.connect(), { code });
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

describe("what will not work", () => {
  /** @param {RegExp[]} patterns */
  async function warned(...patterns) {
    // The words are loaded when they are needed.
    await import("../src/later.js");
    await settled();
    assert.equal(platform.warned.length, patterns.length, platform.warned.join("\n"));
    for (const [index, pattern] of patterns.entries())
      assert.match(String(platform.warned[index]), pattern);
  }

  test("a misspelt option or event is warned about once, with a guess", async () => {
    const misspelt = /** @type {any} */ ({ tokn: "T", wibble: 1 });
    const river = make(misspelt);
    const loose = /** @type {any} */ (river);
    for (const _ of [1, 2]) loose.on("stat", () => {}).on("conected", () => {});
    loose.subscribe("dogs", { histroy: 20 }).on("river:gpa", () => {});
    await warned(
      /option "tokn": did you mean "token"\?/,
      /option "wibble": did you mean "host", "url", "token"/,
      /event "stat": did you mean "state"\?/,
      /event "conected": did you mean "state"\?/,
      /option of subscribe "histroy": did you mean "history"\?/,
      /event of channels "river:gpa": did you mean "river:gap"\?/,
    );
  });

  test("an option that only the first subscribe to a channel can give is warned about", async () => {
    const river = make();
    for (const _ of [1, 2]) river.subscribe("cats", { history: 20 });
    await warned();
    river.subscribe("dogs");
    for (const _ of [1, 2]) river.subscribe("dogs", { history: 20 });
    await warned(/"dogs" was subscribed before, without history: it is ignored/);
  });

  test("a refused channel is warned about once, with the cure", async () => {
    const river = make();
    river.subscribe("private-dogs");
    river.subscribe("no name");
    river.subscribe("the 101st");
    river.subscribe("the 102nd");
    const socket = await accepted();
    const codes = ["forbidden", "channel_invalid", "too_many_channels", "too_many_channels"];
    for (const [index, code] of codes.entries())
      socket.says({ type: "error", id: index + 1, code, message: "the server's words" });
    river.subscribe("private-dogs");
    socket.says({ type: "error", id: 5, code: "forbidden", message: "the server's words" });
    await warned(
      /"private-dogs" refused: the server's words \(forbidden\). Grant it in the token/,
      /"no name" refused.*\(channel_invalid\). Choose another name/,
      /a channel refused.*\(too_many_channels\). Unsubscribe/,
    );
  });

  test("a guest whom a channel is not open to is warned about it", async () => {
    const river = new River({ host: "h", WebSocket: Socket }, platform);
    river.subscribe("dogs");
    const socket = await newest();
    socket.open();
    socket.says({ type: "welcome" });
    const { id } = socket.last("subscribe");
    socket.says({ type: "error", id, code: "unauthenticated", message: "send a token first" });
    await warned(/"dogs" refused: send a token first.*Give new River the option token/);
  });

  test("a subscribe that waits for a token is no reason to warn", async () => {
    const river = make();
    river.subscribe("dogs");
    const socket = await accepted();
    const { id } = socket.last("subscribe");
    socket.says({ type: "error", id, code: "unauthenticated", message: "send a token first" });
    await warned();
  });

  test("callbacks for members are warned about on a channel that has none", async () => {
    const river = make();
    river.subscribe("dogs").on("river:joined", () => {});
    answer(await accepted(), 41);
    await warned(/no "river:joined" on "dogs": only channels called presence-/);
  });

  test("a misspelt option of a publish is warned about", async () => {
    const river = make();
    await accepted();
    river.publish("dogs", "typing", 1, /** @type {any} */ ({ kep: false }));
    await warned(/option of publish "kep": did you mean "keep"/);
  });

  test("what a refused token needs is said with it", async () => {
    make({ token: () => "T" });
    const socket = await newest();
    socket.open();
    const message = "the token's signature fits none of the secrets";
    socket.says({ type: "error", id: "auth", code: "token_invalid", message });
    socket.ends(4401, message);
    await warned(/fits none of the secrets: sign it with the first of RIVER_SECRETS/);
  });

  test("a connection that the browser forbids is warned about, and not that the page closed it", async () => {
    class Forbidden extends FakeSocket {
      /** @param {string} url */
      constructor(url) {
        super(url);
        throw new DOMException("an insecure connection of an https: page", "SecurityError");
      }
    }
    const river = make({ WebSocket: Forbidden });
    await settled();
    platform.turn();
    await platform.pass(1_000);
    river.disconnect();
    await warned(/no connection to .*wss: for an https: page\?/);
  });

  test("a fixed token that cannot be one is warned about", async () => {
    make({ token: "<!doctype html>" });
    await settled();
    await warned(/closed: no token: it is an HTML page/);
  });

  test("a name that is no text is refused at once", () => {
    const river = make();
    for (const name of [undefined, null, "", 7])
      assert.throws(() => river.subscribe(/** @type {any} */ (name)), { code: "channel_invalid" });
  });

  test("a token function that gives a page is warned about once", async () => {
    make({ token: () => "<!doctype html>" });
    await platform.pass(10_000);
    await warned(/no token: it is an HTML page: is the user logged in\?/);
  });

  test("a token function that forgets to return is warned about", async () => {
    make({ token: /** @type {any} */ (() => undefined) });
    await platform.pass(10_000);
    await warned(/no token: it is undefined: return the text, or what fetch gives/);
  });

  test("a token that the server does not take is warned about", async () => {
    make({ token: () => "T" });
    const socket = await newest();
    socket.open();
    socket.says({ type: "error", id: "auth", code: "token_invalid", message: "wrong signature" });
    socket.ends(4401);
    await warned(/wrong signature/);
  });

  test("a connection that is closed for good is warned about, not one that the page closed", async () => {
    const river = make();
    (await accepted()).ends(4403, "disconnected by the back end");
    river.connect();
    await accepted();
    river.disconnect();
    await warned(/closed: disconnected by the back end/);
  });

  test("a fixed token that is refused is warned about with the cure", async () => {
    make();
    (await accepted()).ends(4401, "the token has expired");
    await warned(/the token has expired. Only a function can give another token/);
  });

  test("an address where nothing answers as a gateway is doubted", async () => {
    make({ host: "http://localhost:8001" });
    (await newest()).ends(1006);
    await platform.pass(250);
    (await newest()).ends(1006);
    await warned(
      /no connection to ws:..localhost:8001.ws: .*port 8000, not 8001.*RIVER_ALLOWED_ORIGINS/,
    );
  });

  test("a gateway that comes back is no reason to warn", async () => {
    make();
    for (let cut = 0; cut < 5; cut++) {
      (await accepted()).ends(1006);
      await platform.pass(1_000);
    }
    await warned();
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
    assert.deepEqual(heard.splice(0), ["grant", "the server ended the subscription"]);
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
    assert.deepEqual(heard, [6]);
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
