import assert from "node:assert/strict";
import { test } from "node:test";
import { address } from "../pusher/address.js";
import { Pusher } from "../pusher/pusher.js";

/** @typedef {import("../src/protocol.js").ClientMessage} ClientMessage */

/**
 * A client, and the server it speaks to: what was sent, and what answers.
 *
 * @param {(message: ClientMessage) => object | undefined} [answer] to messages other than `auth`
 * @param {Partial<import("../pusher/pusher.js").PusherOptions>} [options]
 */
function scene(answer = subscribed, options = {}) {
  /** @type {ClientMessage[]} */
  const sent = [];
  /** @type {any} */
  let current;
  class Socket {
    constructor() {
      current = this;
      queueMicrotask(() => this.onopen());
    }
    onopen() {}
    /** @param {{data: string}} _message */
    onmessage(_message) {}
    /** @param {string} text */
    send(text) {
      const message = JSON.parse(text);
      sent.push(message);
      const { id } = message;
      if (message.type !== "auth") say(answer(message));
      else say({ type: "authenticated", id, user: "ada", expires_at: null });
    }
    close() {}
  }
  /** @param {object | undefined} message */
  const say = (message) => {
    const socket = current;
    if (message) queueMicrotask(() => socket.onmessage({ data: JSON.stringify(message) }));
  };
  const given = { host: "localhost", token: "T", WebSocket: Socket, ...options };
  const pusher = new Pusher("any", given);
  return { pusher, sent, say };
}

/** @param {ClientMessage} message */
function subscribed({ type, id, channel }) {
  if (type !== "subscribe") return undefined;
  return { type: "subscribed", id, channel, epoch: "e", offset: 0, recovered: false };
}

/**
 * @param {{bind: (name: string, callback: (data: any) => void) => unknown}} target
 * @param {string} name
 * @returns {Promise<any>}
 */
const next = (target, name) => new Promise((resolve) => target.bind(name, resolve));

test("no publisher can say what only the server says", async () => {
  const { pusher, say } = scene();
  const channel = pusher.subscribe("dogs");
  await next(channel, "pusher:subscription_succeeded");
  /** @type {string[]} */
  const names = [];
  channel.bind_global((name) => names.push(name));
  const end = next(channel, "end");
  const forged = ["pusher:subscription_error", "pusher_internal:member_added", "end"];
  for (const [at, event] of forged.entries())
    say({ type: "event", channel: "dogs", event, data: {}, offset: at + 1 });
  await end;
  assert.deepEqual(names, ["end"]);
  pusher.disconnect();
});

test("a gap is an event of the channel, with the time to reload after", async () => {
  const { pusher, say } = scene();
  const channel = pusher.subscribe("dogs");
  await next(channel, "pusher:subscription_succeeded");
  const gap = next(channel, "river:gap");
  say({ type: "gap", channel: "dogs", epoch: "f", offset: 9, reload_after_ms: 70 });
  assert.deepEqual(await gap, { reload_after_ms: 70 });
  pusher.disconnect();
});

test("subscribing twice is one subscription, which one unsubscribe ends", async () => {
  const { pusher, sent } = scene();
  const channel = pusher.subscribe("dogs");
  assert.equal(pusher.subscribe("dogs"), channel);
  await next(channel, "pusher:subscription_succeeded");
  pusher.subscribe("dogs");
  pusher.unsubscribe("dogs");
  const types = sent.map(({ type }) => type);
  assert.deepEqual(types, ["auth", "subscribe", "unsubscribe"]);
  pusher.disconnect();
});

test("a refused channel can be subscribed to again", async () => {
  let refused = 0;
  const { pusher } = scene((message) =>
    refused++
      ? subscribed(message)
      : { type: "error", id: message.id, code: "forbidden", message: "no grant" },
  );
  const channel = pusher.subscribe("private-dogs");
  const expected = { type: "AuthError", status: 403, error: "no grant" };
  assert.deepEqual(await next(channel, "pusher:subscription_error"), expected);
  const succeeded = next(channel, "pusher:subscription_succeeded");
  pusher.subscribe("private-dogs");
  await succeeded;
  assert.ok(channel.subscribed);
  pusher.disconnect();
});

test("a refused client event is an error of the connection", async () => {
  const { pusher, sent } = scene((message) => {
    const tooFast = { type: "error", id: message.id, code: "too_fast", message: "slower" };
    return message.type === "publish" ? tooFast : subscribed(message);
  });
  const channel = pusher.subscribe("private-dogs");
  assert.equal(channel.trigger("client-move", {}), false);
  await next(channel, "pusher:subscription_succeeded");
  const failed = next(pusher.connection, "error");
  assert.equal(channel.trigger("client-move", { x: 1 }), true);
  assert.deepEqual(await failed, {
    type: "PusherError",
    data: { code: 4301, message: "slower" },
  });
  assert.deepEqual(sent.at(-1)?.data, { x: 1 });
  pusher.disconnect();
});

/** A box that is opened by its own key, which is its first letter. */
const nacl = {
  secretbox: {
    keyLength: 1,
    nonceLength: 1,
    /** @type {import("../pusher/encryption.js").NaCl["secretbox"]["open"]} */
    open: (box, _, key) => (box[0] === key[0] ? box.slice(1) : null),
  },
};
const SECRET = "private-encrypted-dogs";

/**
 * An event for `SECRET`.
 *
 * @param {string} key
 * @param {number} n
 */
function sealed(key, n) {
  const data = { nonce: btoa("n"), ciphertext: btoa(key + JSON.stringify(n)) };
  return { type: "event", channel: SECRET, event: "n", data, offset: n };
}

/** @param {string} key */
const answerWith = (key) => ({ auth: "", shared_secret: btoa(key) });

test("what comes while the next key is asked for waits, and comes in order", async () => {
  /** @type {import("../pusher/authorization.js").Callback[]} */
  const asked = [];
  /** @type {import("../pusher/authorization.js").Endpoint} */
  const channelAuthorization = { customHandler: (_, call) => asked.push(call) };
  const { pusher, say } = scene(undefined, { nacl, channelAuthorization });
  const channel = pusher.subscribe(SECRET);
  await next(pusher.connection, "connected");
  asked[0]?.(null, answerWith("a"));
  await next(channel, "pusher:subscription_succeeded");
  const { error, warn } = console;
  /** @type {unknown[]} */
  const printed = [];
  console.warn = console.error = (text) => printed.push(text);
  /** @type {number[]} */
  const opened = [];
  const end = new Promise((done) =>
    channel.bind("n", (n) => {
      opened.push(n);
      if (n === 6) done(n);
      if (n === 2) throw new Error("of the page");
    }),
  );
  let came = 0;
  const all = new Promise((done) => pusher.bind("n", () => ++came === 7 && done(came)));
  for (const [at, key] of [..."abbcab"].entries()) say(sealed(key, at + 1));
  say({ type: "event", channel: SECRET, event: "n", data: "plain", offset: 7 });
  await all;
  assert.deepEqual(opened, [1]);
  asked[1]?.(null, answerWith("b"));
  await end;
  await new Promise(setImmediate);
  Object.assign(console, { error, warn });
  assert.deepEqual(opened, [1, 2, 3, 6]);
  assert.equal(asked.length, 2);
  assert.deepEqual(printed.map(String), [
    "Error: of the page",
    "River: left out what fits no key",
    "River: left out what fits no key",
    "River: left out what fits no key",
  ]);
  pusher.disconnect();
});

test("a key that is refused is asked for again by the next subscribe, as by a form", async () => {
  /** @type {[unknown, RequestInit | undefined][]} */
  const requests = [];
  const { fetch } = globalThis;
  globalThis.fetch = async (where, init) => {
    requests.push([where, init]);
    const status = requests.length === 1 ? 403 : 200;
    return new Response(JSON.stringify(answerWith("a")), { status });
  };
  const auth = { headers: { "X-CSRF": "C" }, params: { more: "1" } };
  const { pusher, say } = scene(undefined, { nacl, authEndpoint: "/auth", auth });
  const channel = pusher.subscribe(SECRET);
  const { type, status } = await next(channel, "pusher:subscription_error");
  assert.deepEqual([type, status], ["AuthError", 403]);
  const succeeded = next(channel, "pusher:subscription_succeeded");
  pusher.subscribe(SECRET);
  await succeeded;
  const event = next(channel, "n");
  say(sealed("a", 1));
  assert.equal(await event, 1);
  const [where, init] = requests[1] ?? [];
  const socket = encodeURIComponent(String(pusher.connection.socket_id ?? ""));
  assert.equal(where, "/auth");
  assert.equal(init?.body, `socket_id=${socket}&channel_name=${SECRET}&more=1`);
  assert.equal(new Headers(init?.headers).get("x-csrf"), "C");
  globalThis.fetch = fetch;
  pusher.disconnect();
});

test("an encrypted channel needs the option nacl", () => {
  const { pusher } = scene();
  assert.throws(() => pusher.subscribe(SECRET), /nacl/);
  assert.equal(pusher.channel(SECRET), undefined);
  pusher.disconnect();
});

test("the server is where the options of pusher-js say", () => {
  const page = { protocol: "https:" };
  const wsHost = "rt.example.com";
  assert.equal(address({ wsHost }), "https://rt.example.com:443");
  assert.equal(address({ wsHost, wsPort: 8000, forceTLS: false }), "http://rt.example.com:8000");
  assert.equal(address({ wsHost, forceTLS: false }, page), "https://rt.example.com:443");
  assert.equal(address({ wsHost, wsPath: "/rt" }), "https://rt.example.com:443/rt");
  assert.equal(address({ wsHost, wsPath: "/t/page-1" }), "https://rt.example.com:443");
  assert.equal(address({ wsHost, host: "localhost:8000" }), "localhost:8000");
  assert.equal(address({}), undefined);
});
