/** One connection of a conversation: a client, what goes over its wire, and what it tells. */

import assert from "node:assert/strict";
import WebSocket from "ws";
import { River } from "../../src/river.js";
import { until } from "../server.js";

/** Works a client as an application would, and reads along. */
export class Tap {
  /** @type {any[]} messages of the server that no step has looked at */
  received = [];
  /** @type {any[]} messages of the client that no step has looked at */
  sent = [];
  /** @type {object[]} what the client told the application, and no step has looked at */
  told = [];
  /** @type {number | undefined} */
  closedWith;
  /** @type {any} */
  status;
  #river;
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {WeakSet<object>} */
  #known = new WeakSet();

  /**
   * @param {string} host
   * @param {string} token
   */
  constructor(host, token) {
    this.#river = new River({ host, token, WebSocket: /** @type {any} */ (this.#socketClass()) });
    this.#river.on("state", (status) => {
      this.status = status;
    });
    // Where it is live from nobody needs to be told.
    this.#river.me.bind("*", (_, { epoch: __, ...event }) =>
      this.told.push({ event: plain(event) }),
    );
  }

  get user() {
    return this.#river.user;
  }

  end() {
    this.#river.disconnect();
    this.#socket?.terminate();
  }

  /** End in order, and wait until the other side agrees. */
  async close() {
    const socket = this.#socket;
    this.#river.disconnect();
    await until(() => socket?.readyState === WebSocket.CLOSED, "the end of the handshake");
  }

  /**
   * Have the client say what a case says.
   *
   * @param {any} message
   */
  say({ type, channel, event, data, epoch, offset, history, limit, keep, exclude }) {
    if (type === "subscribe") {
      const since = epoch === undefined ? undefined : { epoch, offset };
      this.#listen(this.#river.subscribe(channel, { since, history }));
    } else if (type === "unsubscribe") this.#river.unsubscribe(channel);
    else if (type === "publish")
      this.#note(this.#river.publish(channel, event, data, { keep, exclude }));
    else if (type === "history") {
      const after = epoch === undefined ? undefined : { epoch, offset };
      this.#note(this.#river.history(channel, { limit, after }));
    }
  }

  /** Say something that the client does not know of. */
  async quiet() {
    this.#socket?.send(JSON.stringify({ type: "ping", id: "quiet" }));
    await until(() => this.received.length, "the pong");
    assert.deepEqual(this.received.shift(), { type: "pong", id: "quiet" });
    assert.deepEqual(this.told, []);
  }

  /** @param {Promise<any>} answer */
  #note(answer) {
    answer.then(
      (given) => this.told.push({ answer: given }),
      (error) => this.told.push({ error: error.code }),
    );
  }

  /** @param {import("../../src/channel.js").Channel} channel */
  #listen(channel) {
    if (this.#known.has(channel)) return;
    this.#known.add(channel);
    const { name } = channel;
    /** @param {string} kind */
    const tell = (kind) => (/** @type {any} */ what) =>
      this.told.push({ [kind]: { channel: name, ...what } });
    channel
      .bind("*", (_, { epoch: __, ...event }) => this.told.push({ event: plain(event) }))
      .bind("river:subscribed", tell("subscribed"))
      .bind("river:gap", ({ reloadAfterMs: _, ...gap }) => tell("gap")(gap))
      .bind("river:joined", (member) => tell("joined")(plain(member)))
      .bind("river:left", ({ user }) => tell("left")({ user }))
      .bind("river:presence", ({ count, members }) =>
        tell("presence")({ count, members: listed(members) }),
      )
      .bind("river:error", ({ code }) => this.told.push({ error: code }));
  }

  #socketClass() {
    const tap = this;
    return class extends WebSocket {
      /** @param {string} url */
      constructor(url) {
        super(url);
        tap.#socket = this;
        this.on("close", (code) => {
          tap.closedWith ??= code;
        });
        // After the client's own handler, which is added with `onmessage`.
        this.once("open", () =>
          this.on("message", (text) => tap.received.push(JSON.parse(String(text)))),
        );
      }

      /** @param {any} text */
      send(text) {
        const message = JSON.parse(text);
        if (message.id !== "quiet") tap.sent.push(message);
        super.send(text);
      }
    };
  }
}

/**
 * Without the fields that have no value.
 *
 * @param {object} value
 */
function plain(value) {
  return JSON.parse(JSON.stringify(value));
}

/** @param {Map<string, unknown>} members */
function listed(members) {
  return [...members].map(([user, info]) => plain({ user, info }));
}
