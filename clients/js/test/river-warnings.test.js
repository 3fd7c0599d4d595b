import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { River } from "../src/river.js";
import { FakeSocket, settled } from "./fakes.js";
import { accepted, answer, begin, make, newest, platform, Socket } from "./scene.js";

beforeEach(begin);

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
    river.subscribe("cats", { history: -1 });
    river.subscribe("the 101st");
    river.subscribe("the 102nd");
    const socket = await accepted();
    const many = "too_many_channels";
    const codes = ["forbidden", "channel_invalid", "invalid_field", many, many];
    for (const [index, code] of codes.entries())
      socket.says({ type: "error", id: index + 1, code, message: "the server's words" });
    river.subscribe("private-dogs");
    socket.says({ type: "error", id: 6, code: "forbidden", message: "the server's words" });
    await warned(
      /"private-dogs" refused: the server's words \(forbidden\). Grant it in the token/,
      /"no name" refused.*\(channel_invalid\). Choose another name/,
      /"cats" refused.*\(invalid_field\). Correct the options of its subscribe/,
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

  test("a token in a shape of its own is warned about, with the shapes that there are", async () => {
    make({ token: () => '{"jwt":"a.b.c"}' });
    await platform.pass(10_000);
    await warned(/not the bare text: give the token alone, without quotes, or as {"token": "..."}/);
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
