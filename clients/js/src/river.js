/** The client, as the application holds it. */

import { RiverError } from "./errors.js";
import { Hub } from "./hub.js";
import { READS_MAX } from "./limits.js";
import { isInteractive, thisPlatform } from "./platform.js";

export { RiverError };

/** Where nothing was asked to connect. */
const IDLE = "outside of browsers call river.connect()";

/**
 * @typedef {import("./channel.js").EventDetail} EventDetail
 * @typedef {import("./channel.js").GapDetail} GapDetail
 * @typedef {import("./channel.js").SystemEvents} SystemEvents
 * @typedef {import("./delivery.js").Snapshot} Snapshot
 * @typedef {import("./status.js").State} State
 * @typedef {import("./status.js").Status} Status
 * @typedef {import("./presence.js").Presence} Presence
 * @typedef {import("./protocol.js").Member} Member
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./protocol.js").Publication} Publication
 * @typedef {import("./protocol.js").PublishOptions} PublishOptions
 * @typedef {import("./protocol.js").Receipt} Receipt
 * @typedef {import("./subscription.js").Break} Break
 * @typedef {import("./token.js").GivenToken} GivenToken
 * @typedef {import("./token.js").TokenSource} TokenSource
 * @typedef {"websocket" | "stream" | "poll"} TransportName
 *
 * @typedef {object} Options
 * @property {string} [host] the server: `https://rt.example.com`, `localhost:8000`, or a path on the
 *   page's own origin, `/rt`; without it the one that this module was loaded from
 * @property {string} [url] the same as `host`
 * @property {TokenSource} [token] who the user is; without it the page is a guest, for channels that are
 *   open to guests: a token of your back end, or a function that fetches
 *   one, as text or as the response of `fetch`. Only with a function can it be renewed before it ends
 * @property {TokenSource} [jwt] the same as `token`
 * @property {number} [queue] how many client publishes may wait while there is no connection; with 0,
 *   the default, they are refused then
 * @property {import("./connection.js").SocketClass} [WebSocket] where there is no global one
 *
 * @typedef {object} SubscribeOptions
 * @property {number} [history] begin with up to so many of the last events
 * @property {Position} [since] begin after this position, for example that of the page as it was rendered
 * @property {(gap: GapDetail) => void} [onGap] the same as `on("river:gap", ...)`
 * @property {Snapshot} [snapshot] called at the start and after each gap to load
 *   the application's state, again and again until it succeeds. Events wait meanwhile. When it returns a
 *   position, those up to there are left out, so that nothing is missed and nothing applied twice
 *
 * @typedef {object} ClientEvents
 * @property {Status} state the connection's state changed
 */

/**
 * @template [E=Record<string, unknown>]
 * @typedef {import("./channel.js").Channel<E>} Channel
 */

/** One connection to a River server, and the channels on it. */
export class River {
  #hub;
  #queueMax;

  /**
   * Begin to connect.
   *
   * On a server (Node, Deno, Bun) it begins with `connect()`, so that a module that is imported there for
   * rendering opens nothing; or at once when a `WebSocket` class is given.
   *
   * @param {Options} [options]
   * @param {import("./platform.js").Platform} [platform] for tests and unusual runtimes
   * @throws {RiverError} `host_invalid` or `token_missing`
   */
  constructor(options = {}, platform = thisPlatform()) {
    this.#hub = new Hub(this, options, platform);
    this.#queueMax = options.queue ?? 0;
    if (options.WebSocket || isInteractive()) this.connect();
  }

  /**
   * The user that the server took the token for; null before.
   *
   * @returns {string | null}
   */
  get user() {
    return this.#hub.user;
  }

  /**
   * `connecting`, `connected`, `waiting` (for the next attempt) or `closed`.
   *
   * @returns {import("./status.js").State}
   */
  get state() {
    return this.#hub.state;
  }

  /**
   * What the back end publishes to this page's user, on whatever page: a channel without a subscription.
   *
   * @returns {Channel<any>}
   */
  get me() {
    return this.#hub.own.channel;
  }

  /** This page's session, for `exclude`; null before a connection. It survives reconnecting. */
  get session() {
    return this.#hub.session;
  }

  /**
   * How the server is reached: `websocket`, or where those do not come through `stream` or `poll`.
   *
   * @returns {TransportName}
   */
  get transport() {
    return this.#hub.transport?.current.transport ?? "websocket";
  }

  /** Why the client is in this state, in plain words. */
  get reason() {
    return this.#hub.transport?.status.reason ?? IDLE;
  }

  /**
   * Connect: on a server, after `disconnect`, or when the server had ended the connection. Channels go on
   * where they were.
   *
   * @throws {RiverError} `host_invalid` or `token_missing`
   */
  connect() {
    this.#hub.connect();
  }

  /** Close the connection and stay closed until `connect`. Channels keep their positions. */
  disconnect() {
    this.#hub.transport?.disconnect();
  }

  /**
   * Subscribe to a channel, whether there is a connection or not.
   *
   * It counts its users: each `subscribe` is ended by one `unsubscribe`.
   *
   * @template [E=Record<string, unknown>]
   * @param {string} name
   * @param {SubscribeOptions} [options]
   * @returns {Channel<E>} for the same name the same object, with the options of
   *   the first call, until it is unsubscribed
   * @throws {RiverError} `channel_invalid` when the name is no text
   */
  subscribe(name, options = {}) {
    if (typeof name !== "string" || !name)
      throw new RiverError("channel_invalid", `"${name}" is no channel's name`);
    if (!this.#hub.transport) this.#hub.warnings.warn(IDLE);
    return this.#hub.subscribe(name, options);
  }

  /**
   * End one `subscribe`. After the last one the channel is left, and no callback is called any more.
   *
   * @param {string} name
   */
  unsubscribe(name) {
    this.#hub.unsubscribe(name);
  }

  /**
   * Publish an event in a channel, if the token grants it.
   *
   * @param {string} channel
   * @param {string} event
   * @param {unknown} data anything that JSON can say
   * @param {PublishOptions} [options]
   * @returns {Promise<Receipt>} where it stands in the channel. Rejected with the server's code;
   *   `not_connected` (or, with the option `queue`, `queue_full`) when it was not sent;
   *   `too_large` when it is longer than the server takes; `connection_lost` or `timeout` when nobody knows whether it was published
   */
  async publish(channel, event, data, options = {}) {
    const { keep, exclude, ...unknown } = options;
    this.#hub.warnings.unknown("option of publish", unknown);
    const message = { type: "publish", channel, event, data: data ?? null, keep, exclude };
    return this.#hub.request(message, this.#queueMax);
  }

  /**
   * Ask for what was published in a channel, subscribed or not.
   *
   * @param {string} channel
   * @param {{limit?: number, after?: Position}} [options] `limit`: at most so many; `after`: those that
   *   follow this position; without it the last ones
   * @returns {Promise<Position & {publications: Publication[]}>} oldest first;
   *   rejected with `unrecoverable` when the log does not reach back to `after`. Without a connection it
   *   waits for one
   */
  async history(channel, { limit, after } = {}) {
    const message = { type: "history", channel, limit, ...after };
    return this.#hub.request(message, READS_MAX);
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
    this.#hub.emitter.on(name, callback);
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
    this.#hub.emitter.off(name, callback);
    return this;
  }

  /**
   * Print what is sent and received, and each change of state, with tokens left out.
   *
   * @param {((line: string, what: unknown) => void) | false} [print] false ends it
   */
  debug(print = console.log) {
    this.#hub.trace = print || null;
  }
}
