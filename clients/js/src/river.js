/** The client, as the application holds it. */

import { Connection } from "./connection.js";
import { Emitter } from "./emitter.js";
import { endpoint } from "./endpoint.js";
import { RiverError } from "./errors.js";
import { Feed } from "./feed.js";
import { READS_MAX } from "./limits.js";
import { thisPlatform } from "./platform.js";
import { Requests } from "./requests.js";
import { Subscription } from "./subscription.js";

export { RiverError };

/**
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
 * @typedef {import("./channel.js").EventMap} EventMap
 * @typedef {import("./channel.js").SystemEvents} SystemEvents
 * @typedef {import("./link.js").Status} Status
 * @typedef {import("./token.js").TokenSource} TokenSource
 *
 * @typedef {object} Options
 * @property {string} [host] the server: `ws://localhost:8000`, `localhost:8000`,
 *   `https://rt.example.com`; without it the one that this module was loaded from
 * @property {string} [url] the same as `host`
 * @property {TokenSource} [token] who the user is: a token of your back end, or a function that fetches
 *   one. Only with a function can it be renewed before it ends
 * @property {TokenSource} [jwt] the same as `token`
 * @property {number} [queue] how many client publishes may wait while there is no connection; with 0,
 *   the default, they are refused then
 * @property {import("./connection.js").SocketClass} [WebSocket] where there is no global one
 *
 * @typedef {object} SubscribeOptions
 * @property {number} [history] begin with up to so many of the last events
 * @property {Position} [since] begin after this position, for example that of the page as it was rendered
 * @property {(gap: SystemEvents["river:gap"]) => void} [onGap] the same as `bind("river:gap", ...)`
 * @property {import("./feed.js").Snapshot} [snapshot] called at the start and after each gap to load the
 *   application's state. Events wait meanwhile. When it returns a position, those up to there are left
 *   out, so that nothing is missed and nothing applied twice
 *
 * @typedef {object} ClientEvents
 * @property {Status} state the connection's state changed
 */

/** One connection to a River server, and the channels on it. */
export class River {
  /** @type {string | null} the user that the server took the token for; null before */
  user = null;

  #platform;
  #connection;
  #requests;
  #emitter;
  #queueMax;
  /** @type {Map<string, Feed>} */
  #feeds = new Map();
  /** @type {Subscription | null} the channel whose past may come with the next message */
  #replaying = null;
  /** Whether the socket is open and the token on its way. */
  #open = false;
  /** @type {((line: string, what: unknown) => void) | null} */
  #trace = null;

  /**
   * Begin to connect.
   *
   * @param {Options} options
   * @param {import("./platform.js").Platform} [platform] for tests and unusual runtimes
   * @throws {RiverError} `host_invalid`, `token_missing` or `websocket_missing`
   */
  constructor(options, platform = thisPlatform()) {
    this.#platform = platform;
    this.#queueMax = options.queue ?? 0;
    this.#emitter = new Emitter(platform.report);
    this.#connection = new Connection(where(options), platform, {
      opened: () => this.#opened(),
      message: (message) => this.#message(message),
      status: (status) => this.#status(status),
      lost: () => this.#lost(),
      tick: (now) => this.#tick(now),
      sent: (message) => this.#trace?.("river sent", message),
    });
    this.#requests = new Requests(this.#connection);
    this.#connection.open();
  }

  /** `connecting`, `connected`, `waiting` (for the next attempt) or `closed`. */
  get state() {
    return this.#connection.status.state;
  }

  /** Why the client is in this state, in plain words. */
  get reason() {
    return this.#connection.status.reason;
  }

  /** Connect, after `disconnect` or when the server had ended it. Channels go on where they were. */
  connect() {
    this.#connection.open();
  }

  /** Close the connection and stay closed until `connect`. Channels keep their positions. */
  disconnect() {
    this.#connection.close();
  }

  /**
   * Subscribe to a channel, whether there is a connection or not.
   *
   * @template {EventMap} [E=EventMap]
   * @param {string} name
   * @param {SubscribeOptions} [options]
   * @returns {import("./channel.js").Channel<E>} for the same name the same object, with the options of the first call, until
   *   it is unsubscribed
   */
  subscribe(name, options = {}) {
    const feed = this.#feeds.get(name) ?? this.#enter(name, options);
    if (options.onGap) feed.system.on("river:gap", options.onGap);
    // Whatever was refused before, somebody asks for it again.
    feed.subscription.retry();
    this.#ask(feed);
    return feed.channel;
  }

  /**
   * Leave a channel. Its callbacks are not called any more.
   *
   * @param {string} name
   */
  unsubscribe(name) {
    this.#feeds.get(name)?.lost();
    if (!this.#feeds.delete(name)) return;
    if (this.#open) {
      const id = this.#requests.nextId();
      this.#connection.send({ type: "unsubscribe", id, channel: name });
    }
  }

  /**
   * Publish an event in a channel, if the token grants it.
   *
   * @param {string} channel
   * @param {string} event
   * @param {unknown} data anything that JSON can say
   * @returns {Promise<Position>} where it stands in the channel. Rejected with the server's code;
   *   `not_connected` (or, with the option `queue`, `queue_full`) when it was not sent;
   *   `connection_lost` or `timeout` when nobody knows whether it was published
   */
  async publish(channel, event, data) {
    const message = { type: "publish", channel, event, data: data ?? null };
    const { epoch, offset } = await this.#request(message, this.#queueMax);
    return { epoch, offset };
  }

  /**
   * Call back when something happens to the connection.
   *
   * @template {keyof ClientEvents} K
   * @param {K} name
   * @param {(detail: ClientEvents[K]) => void} callback
   * @returns {this}
   */
  on(name, callback) {
    this.#emitter.on(name, callback);
    return this;
  }

  /**
   * End what `on` began, for one callback or for all of the name.
   *
   * @template {keyof ClientEvents} K
   * @param {K} name
   * @param {(detail: ClientEvents[K]) => void} [callback]
   * @returns {this}
   */
  off(name, callback) {
    this.#emitter.off(name, callback);
    return this;
  }

  /**
   * Print what is sent and received, and each change of state, with tokens left out.
   *
   * @param {((line: string, what: unknown) => void) | false} [print] false ends it
   */
  debug(print = console.debug) {
    this.#trace = print || null;
  }

  /**
   * @param {string} name
   * @param {SubscribeOptions} options
   */
  #enter(name, { history, since, snapshot }) {
    const { random } = this.#platform;
    const subscription = new Subscription(name, { history, since, random });
    const feed = new Feed(subscription, this.#platform, {
      snapshot,
      calls: {
        publish: (event, data) => this.publish(name, event, data),
        history: (question) =>
          this.#request({ type: "history", channel: name, ...question }, READS_MAX),
      },
    });
    this.#feeds.set(name, feed);
    return feed;
  }

  /**
   * @param {import("./protocol.js").ClientMessage} message
   * @param {number} queueMax how many such may wait for a connection
   */
  async #request(message, queueMax) {
    const { state } = this;
    if (state === "connected") return this.#requests.ask(message);
    if (state !== "closed" && queueMax > 0) return this.#requests.askLater(message, queueMax);
    throw new RiverError("not_connected", `${message.type} needs a connection: ${this.reason}`);
  }

  /** @param {Feed} feed */
  #ask({ subscription }) {
    if (!this.#open || !subscription.isDue(this.#connection.now())) return;
    this.#connection.send(subscription.ask(this.#requests.nextId()));
  }

  #askAll() {
    for (const feed of this.#feeds.values()) this.#ask(feed);
  }

  #opened() {
    this.#open = true;
    this.#askAll();
    this.#requests.flush();
  }

  /** @param {ServerMessage} message */
  #message(message) {
    this.#trace?.("river received", message);
    this.#settle(message);
    if (message.type === "subscribed") this.#subscribed(message);
    else if (message.type === "error") this.#refused(message);
    else if (message.type === "authenticated") this.#authenticated(message.user);
    else if ("id" in message) this.#requests.settle(/** @type {number} */ (message.id), message);
    else if ("channel" in message) this.#feeds.get(message.channel)?.receive(message);
  }

  /**
   * What a channel replays comes right after its `subscribed`: anything else ends it.
   *
   * @param {ServerMessage} message
   */
  #settle(message) {
    const subscription = this.#replaying;
    this.#replaying = null;
    subscription?.settle(message.type === "event" && message.channel === subscription.channel);
  }

  /** @param {import("./protocol.js").Subscribed} message */
  #subscribed(message) {
    const feed = this.#feeds.get(message.channel);
    feed?.subscribed(message);
    this.#replaying = feed?.subscription ?? null;
  }

  /** @param {import("./protocol.js").Refusal} message */
  #refused(message) {
    const error = new RiverError(message.code, message.message);
    this.#requests.settle(/** @type {number} */ (message.id), error);
    for (const feed of this.#feeds.values()) feed.refused(message, error, this.#connection.now());
  }

  /** @param {string} user */
  #authenticated(user) {
    this.user = user;
    // What the last token did not allow, this one may.
    for (const feed of this.#feeds.values()) feed.subscription.retry();
    this.#askAll();
  }

  /** @param {Status} status */
  #status(status) {
    this.#trace?.("river state", status);
    if (status.state === "closed") this.#requests.discard(status.reason);
    this.#emitter.emit("state", status);
  }

  #lost() {
    this.#open = false;
    this.#replaying = null;
    for (const feed of this.#feeds.values()) feed.lost();
    this.#requests.expire(Infinity, "connection_lost", "the connection was lost");
  }

  /** @param {number} now */
  #tick(now) {
    this.#requests.expire(now, "timeout", "time is up");
    this.#askAll();
  }
}

/**
 * @param {Options} options
 */
function where({ host, url, token, jwt, WebSocket }) {
  const source = token ?? jwt;
  if (!source) throw new RiverError("token_missing", "there is no token");
  const Socket = WebSocket ?? globalThis.WebSocket;
  if (!Socket) throw new RiverError("websocket_missing", "there is no WebSocket class: pass one");
  const page = globalThis.location?.protocol;
  return { url: endpoint(host ?? url, import.meta.url, page), token: source, WebSocket: Socket };
}
