import assert from "node:assert/strict";
import { test } from "node:test";
import { address } from "../pusher/address.js";
import { Pusher } from "../pusher/pusher.js";

/** @typedef {import("../src/protocol.js").ClientMessage} ClientMessage */

/**
 * A client, and the server it speaks to: what was sent, and what answers.
 *
 * @param {(message: ClientMessage) => object | undefined} [answer] to messages other than `auth`
 */
function scene(answer = subscribed) {
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
  const pusher = new Pusher("any", { host: "localhost", token: "T", WebSocket: Socket });
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
