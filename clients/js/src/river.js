/** The client, as the application holds it. */

import { Delivery } from "./delivery.js";
import { Emitter } from "./emitter.js";
import { addressed } from "./endpoint.js";
import { RiverError } from "./errors.js";
import { MESSAGE_BYTES_MAX, READS_MAX } from "./limits.js";
import { isInteractive, sleeplessClock, thisPlatform } from "./platform.js";
import { OWN } from "./protocol.js";
import { Requests } from "./requests.js";
import { Session } from "./session.js";
import { Subscription } from "./subscription.js";
import { Transport } from "./transport.js";
import { Warnings } from "./warnings.js";

export { RiverError };

const OPTIONS = ["host", "url", "token", "jwt", "queue", "WebSocket"];
const PUBLISH_OPTIONS = ["keep", "exclude"];
const SUBSCRIBE_OPTIONS = ["history", "since", "onGap", "snapshot"];
/** Where nothing was asked to connect. */
const IDLE = "outside of browsers call river.connect()";

/**
 * @typedef {import("./channel.js").EventDetail} EventDetail
 * @typedef {import("./channel.js").GapDetail} GapDetail
 * @typedef {import("./channel.js").SystemEvents} SystemEvents
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./delivery.js").Snapshot} Snapshot
 * @typedef {import("./link.js").State} State
 * @typedef {import("./link.js").Status} Status
 * @typedef {import("./presence.js").Presence} Presence
 * @typedef {import("./protocol.js").Member} Member
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./protocol.js").Publication} Publication
 * @typedef {import("./protocol.js").PublishOptions} PublishOptions
 * @typedef {import("./protocol.js").Receipt} Receipt
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
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
  /** @type {string | null} the user that the server took the token for; null before */
  user = null;

  #options;
  #platform;
  #requests;
  #emitter;
  #warnings;
  #queueMax;
  #url = "";
  #session = new Session();
  /** @type {Transport | null} null until there is a reason to connect */
  #transport = null;
  /** @type {Map<string, Delivery>} */
  #deliveries = new Map();
  /** @type {Delivery} */
  #own;
  /** @type {((line: string, what: unknown) => void) | null} */
  #trace = null;

  /**
   * Begin to connect.
   *
   * On a server (Node, Deno, Bun) it begins with `connect()`, so that a module that is imported there for
   * rendering opens nothing; or at once when a `WebSocket` class is given.
   *
   * @param {Options} [options]
   * @param {import("./platform.js").Platform} [platform] for tests and unusual runtimes
   * @throws {RiverError} `host_invalid`, `token_missing` or `websocket_missing`
   */
  constructor(options = {}, platform = thisPlatform()) {
    this.#options = options;
    this.#platform = { ...platform, now: sleeplessClock(platform) };
    this.#queueMax = options.queue ?? 0;
    const warnings = new Warnings(platform.warn, !(options.token ?? options.jwt));
    warnings.unknown("option", Object.keys(options), OPTIONS);
    this.#warnings = warnings;
    this.#emitter = new Emitter(platform.report, (name) =>
      warnings.unknown("event", [name], ["state"]),
    );
    this.#requests = new Requests(this.#platform.now);
    this.#own = this.#enter(OWN, {});
    this.#own.users = Infinity;
    if (options.WebSocket || isInteractive()) this.connect();
  }

  /**
   * `connecting`, `connected`, `waiting` (for the next attempt) or `closed`.
   *
   * @returns {import("./link.js").State}
   */
  get state() {
    return this.#transport?.status.state ?? "closed";
  }

  /**
   * What the back end publishes to this page's user, on whatever page: a channel without a subscription.
   *
   * @returns {Channel<any>}
   */
  get me() {
    return this.#own.channel;
  }

  /** This page's session, for `exclude`; null before a connection. It survives reconnecting. */
  get session() {
    return this.#session.id;
  }

  /**
   * How the server is reached: `websocket`, or where those do not come through `stream` or `poll`.
   *
   * @returns {TransportName}
   */
  get transport() {
    return this.#transport?.current.transport ?? "websocket";
  }

  /** Why the client is in this state, in plain words. */
  get reason() {
    return this.#transport?.status.reason ?? IDLE;
  }

  /**
   * Connect: on a server, after `disconnect`, or when the server had ended the connection. Channels go on
   * where they were.
   *
   * @throws {RiverError} `host_invalid`, `token_missing` or `websocket_missing`
   */
  connect() {
    this.#transport ??= this.#newTransport();
    this.#transport.connect();
  }

  /** Close the connection and stay closed until `connect`. Channels keep their positions. */
  disconnect() {
    this.#transport?.disconnect();
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
    if (!this.#transport) this.#warnings.warn(IDLE);
    this.#warnings.unknown("option", Object.keys(options), SUBSCRIBE_OPTIONS);
    const delivery = this.#deliveries.get(name) ?? this.#enter(name, options);
    this.#warnings.ignored(name, options, delivery.options);
    delivery.users += 1;
    if (options.onGap) delivery.system.on("river:gap", options.onGap);
    // Whatever was refused before, somebody asks for it again.
    delivery.subscription.retry();
    this.#ask(delivery);
    return delivery.channel;
  }

  /**
   * End one `subscribe`. After the last one the channel is left, and no callback is called any more.
   *
   * @param {string} name
   */
  unsubscribe(name) {
    const delivery = this.#deliveries.get(name);
    if (!delivery || --delivery.users > 0) return;
    delivery.end();
    this.#deliveries.delete(name);
    for (const connection of this.#transport?.open ?? [])
      connection.send({ type: "unsubscribe", id: this.#requests.nextId(), channel: name });
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
    this.#warnings.unknown("option", Object.keys(options), PUBLISH_OPTIONS);
    const { keep, exclude } = options;
    const message = { type: "publish", channel, event, data: data ?? null, keep, exclude };
    const { epoch, offset, after } = await this.#request(message, this.#queueMax);
    return after === undefined ? { epoch, offset } : { epoch, after };
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
    const { epoch, offset, publications } = await this.#request(message, READS_MAX);
    return { epoch, offset, publications };
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
  debug(print = console.log) {
    this.#trace = print || null;
  }

  #newTransport() {
    const where = addressed(this.#options, import.meta.url);
    this.#url = where.url;
    return new Transport(where, this.#platform, {
      opened: (connection) => this.#opened(connection),
      message: (message, connection) => this.#message(message, connection),
      status: (status) => this.#status(status),
      lost: (connection) => this.#lost(connection),
      isFree: (connection) => this.#isFree(connection),
      tick: (now) => this.#tick(now),
      sent: (message) => this.#trace?.("river sent", message),
      sessionSecret: () => this.#session.secret,
      userPosition: (connection) => {
        const { epoch, offset } = this.#own.subscription.ask(OWN, connection);
        return epoch === undefined ? undefined : { epoch, offset: Number(offset) };
      },
    });
  }

  /**
   * @param {string} name
   * @param {SubscribeOptions} options
   */
  #enter(name, options) {
    const { random } = this.#platform;
    const { history, since } = options;
    const subscription = new Subscription(name, { history, since, random });
    const delivery = new Delivery(subscription, this.#platform, {
      river: this,
      warnings: this.#warnings,
      options,
    });
    this.#deliveries.set(name, delivery);
    return delivery;
  }

  /**
   * @param {import("./protocol.js").ClientMessage} message
   * @param {number} queueMax how many such may wait for a connection
   */
  async #request(message, queueMax) {
    const isConnected = this.state === "connected";
    if (isConnected || (this.state !== "closed" && queueMax > 0))
      return this.#requests.ask(
        message,
        isConnected ? this.#transport?.current : undefined,
        queueMax,
      );
    throw new RiverError("not_connected", `${message.type} needs a connection: ${this.reason}`);
  }

  /** @param {Delivery} delivery */
  #ask({ subscription }) {
    const connection = this.#transport?.open.at(-1);
    if (connection && subscription.channel !== OWN && subscription.isDue(this.#platform.now()))
      connection.send(subscription.ask(this.#requests.nextId(), connection));
  }

  #askAll() {
    for (const delivery of this.#deliveries.values()) this.#ask(delivery);
  }

  /** @param {Connection} connection */
  #opened(connection) {
    // Also those that are live on a connection that is about to end.
    for (const { subscription } of this.#deliveries.values())
      if (subscription.channel !== OWN)
        connection.send(subscription.ask(this.#requests.nextId(), connection));
    if (this.#transport?.current === connection) this.#requests.flush(connection);
  }

  /**
   * @param {ServerMessage} message
   * @param {Connection} connection
   */
  #message(message, connection) {
    this.#trace?.("river received", message);
    this.#settle(message, connection);
    if (message.type === "subscribed") this.#subscribed(message, connection);
    else if (message.type === "error") this.#refused(message);
    else if (message.type === "authenticated") this.#authenticated(message, connection);
    else if (message.type === "welcome") this.#welcomed(message, connection);
    else if (message.type === "unsubscribed") this.#unsubscribed(message, connection);
    else if ("id" in message) this.#requests.settle(/** @type {number} */ (message.id), message);
    else if ("channel" in message)
      this.#deliveries.get(message.channel)?.receive(message, connection);
  }

  /**
   * What a channel replays comes right after its `subscribed`: anything else ends it.
   *
   * @param {ServerMessage} message
   * @param {Connection} connection
   */
  #settle(message, connection) {
    const subscription = connection.replaying;
    connection.replaying = null;
    const isKept = message.type === "event" && message.offset !== undefined;
    subscription?.settle(isKept && message.channel === subscription.channel);
  }

  /**
   * @param {import("./protocol.js").Subscribed} message
   * @param {Connection} connection
   */
  #subscribed(message, connection) {
    const delivery = this.#deliveries.get(message.channel);
    if (!delivery) return;
    delivery.subscribed({ ...message, id: message.id ?? OWN });
    connection.replaying = delivery.subscription;
  }

  /**
   * The server ended a subscription. Another token may bring it back; who was removed stays out.
   *
   * @param {import("./protocol.js").Unsubscribed} message
   * @param {Connection} connection
   */
  #unsubscribed({ channel, reason }, connection) {
    const delivery = this.#deliveries.get(channel);
    if (!reason || !delivery?.subscription.isLiveOn(connection)) return;
    const error = new RiverError(reason, "the server ended the subscription");
    delivery.refused({ id: null, code: reason }, error, 0);
    if (reason === "grant") return;
    delivery.end();
    this.#deliveries.delete(channel);
  }

  /** @param {import("./protocol.js").Refusal} message */
  #refused(message) {
    const error = new RiverError(message.code, message.message);
    this.#requests.settle(/** @type {number} */ (message.id), error);
    for (const [name, delivery] of this.#deliveries)
      if (delivery.refused(message, error, this.#platform.now()))
        this.#warnings.refused(name, error);
  }

  /**
   * @param {import("./protocol.js").Authenticated} message
   * @param {Connection} connection
   */
  #authenticated(message, connection) {
    this.user = message.user;
    this.#session.authenticated(message, connection);
    if (message.user_position)
      this.#own.subscribed({ ...message.user_position, type: "subscribed", id: OWN, channel: OWN });
    // What the last token did not allow, this one may.
    for (const { subscription } of this.#deliveries.values()) subscription.retry();
    this.#askAll();
  }

  /**
   * @param {import("./protocol.js").Welcome} message
   * @param {Connection} connection
   */
  #welcomed(message, connection) {
    this.#requests.bytesMax = message.max_message_bytes ?? MESSAGE_BYTES_MAX;
    this.#session.welcomed(message, connection);
  }

  /** @param {Status} status */
  #status(status) {
    this.#trace?.("river state", status);
    this.#warnings.status(status, this.#url);
    if (status.state === "closed") this.#requests.discard(status.reason);
    this.#emitter.emit("state", status);
  }

  /** @param {Connection} connection */
  #lost(connection) {
    connection.replaying = null;
    for (const delivery of this.#deliveries.values()) delivery.lost(connection);
    this.#requests.lost(connection);
  }

  /** @param {Connection} connection */
  #isFree(connection) {
    const isPending = [...this.#deliveries.values()].some(
      ({ subscription: { pending, channel } }) => pending && channel !== OWN,
    );
    return !isPending && !this.#requests.isAwaited(connection);
  }

  /** @param {number} now */
  #tick(now) {
    this.#requests.expire(now);
    this.#askAll();
  }
}
