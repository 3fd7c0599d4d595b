/** Between the channels of a page and the server: what is subscribed, and who a message is for. */

import { Delivery } from "./delivery.js";
import { Emitter } from "./emitter.js";
import { addressed } from "./endpoint.js";
import { RiverError } from "./errors.js";
import { MESSAGE_BYTES_MAX } from "./limits.js";
import { sleeplessClock } from "./platform.js";
import { OWN } from "./protocol.js";
import { Requests } from "./requests.js";
import { Subscription } from "./subscription.js";
import { Transport } from "./transport.js";
import { Warnings } from "./warnings.js";

/**
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./status.js").Status} Status
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
 * @typedef {import("./river.js").SubscribeOptions} SubscribeOptions
 * @typedef {Exclude<import("./protocol.js").ChannelMessage, import("./protocol.js").Subscribed>} Pushed
 */

/** Owns the deliveries of all channels, and does what the transport reports. */
export class Hub {
  /** @type {string | null} the user that the server took the token for; null before */
  user = null;
  /**
   * Who this page is to publishers: the session of its first connection, which later ones continue as long
   * as servers know it again.
   *
   * @type {string | null}
   */
  session = null;
  /** @type {string | undefined} what proves to a server whose session this is */
  secret;
  /** @type {Transport | null} null until there is a reason to connect */
  transport = null;
  /** @type {((line: string, what: unknown) => void) | null} prints what is sent and received */
  trace = null;
  /** The channel of the page's user. @type {Delivery} */
  own;
  /** @type {import("./connection.js").Where | undefined} the server, once there was a reason to connect */
  where;
  emitter;
  warnings;
  platform;

  #river;
  #options;
  #requests;
  /** @type {Map<string, Delivery>} */
  #deliveries = new Map();

  /**
   * @param {import("./river.js").River} river
   * @param {import("./river.js").Options} options
   * @param {import("./platform.js").Platform} platform
   */
  constructor(river, options, platform) {
    this.#river = river;
    this.#options = options;
    this.platform = { ...platform, now: sleeplessClock(platform) };
    this.warnings = new Warnings(platform.warn);
    this.emitter = new Emitter(platform.report, (name) => {
      if (name !== "state") this.warnings.about("unknown", name, "event");
    });
    this.#requests = new Requests(this.platform.now);
    this.own = this.#enter(OWN, {});
    this.own.users = Infinity;
  }

  get state() {
    return this.transport?.status.state ?? "closed";
  }

  /** @throws {RiverError} `host_invalid` or `token_missing` */
  connect() {
    if (!this.transport) {
      this.where = addressed(this.#options, import.meta.url);
      this.warnings.unknown("option", this.where.unknown);
      this.transport = new Transport(this);
    }
    this.transport.connect();
  }

  /**
   * Count one user more of a channel, and ask the server for it.
   *
   * @param {string} name
   * @param {SubscribeOptions} options
   */
  subscribe(name, options) {
    const { onGap, ...once } = options;
    const { history, since, snapshot, ...unknown } = once;
    this.warnings.unknown("option of subscribe", unknown);
    const delivery = this.#deliveries.get(name) ?? this.#enter(name, options);
    this.warnings.ignored(name, once, delivery.options);
    delivery.users += 1;
    if (onGap) delivery.system.on("river:gap", onGap);
    // Whatever was refused before, somebody asks for it again.
    delivery.subscription.retry();
    this.#ask(delivery);
    return delivery.channel;
  }

  /** @param {string} name */
  unsubscribe(name) {
    const delivery = this.#deliveries.get(name);
    if (!delivery || --delivery.users > 0) return;
    delivery.end();
    this.#deliveries.delete(name);
    this.#leave(name);
  }

  /**
   * @param {import("./protocol.js").ClientMessage} message
   * @param {number} queueMax how many such may wait for a connection
   * @returns {Promise<any>} what the answer says
   */
  async request(message, queueMax) {
    const { state } = this;
    const connection = state === "connected" ? this.transport?.current : undefined;
    if (!connection && (state === "closed" || !queueMax)) {
      const words = `${message.type} needs a connection: ${this.#river.reason}`;
      throw new RiverError("not_connected", words);
    }
    const answer = await this.#requests.ask(message, connection, queueMax);
    const { type, id, channel, ...said } = answer;
    return said;
  }

  /**
   * The token was sent: what is sent now follows it in the same round trip.
   *
   * @param {Connection} connection
   */
  opened(connection) {
    // Also those that are live on a connection that is about to end.
    for (const { subscription } of this.#deliveries.values())
      if (subscription.channel !== OWN)
        connection.send(subscription.ask(this.#requests.nextId(), connection));
    if (this.transport?.current === connection) this.#requests.flush(connection);
  }

  /**
   * A message arrived.
   *
   * @param {ServerMessage} message
   * @param {Connection} connection
   */
  arrived(message, connection) {
    this.trace?.("river received", message);
    this.#settle(message, connection);
    if (message.type === "subscribed") this.#subscribed(message, connection);
    else if (message.type === "error") this.#refused(message, connection);
    else if (message.type === "authenticated") this.#authenticated(message, connection);
    else if (message.type === "welcome") this.#welcomed(message, connection);
    else if (message.type === "unsubscribed") this.#unsubscribed(message, connection);
    else if ("id" in message) this.#requests.settle(/** @type {number} */ (message.id), message);
    else {
      const pushed = /** @type {Pushed} */ (message);
      this.#deliveries.get(pushed.channel)?.receive(pushed, connection);
    }
  }

  /**
   * The connection in use has another status.
   *
   * @param {Status} status
   */
  changed(status) {
    this.trace?.("river state", status);
    this.warnings.status(status, this.where?.url);
    if (status.state === "closed") this.#requests.discard(status.reason);
    // What was asked since the token was sent.
    if (status.state === "connected")
      this.#requests.flush(/** @type {Connection} */ (this.transport?.current));
    this.emitter.emit("state", status);
  }

  /**
   * Nothing will be answered on it any more.
   *
   * @param {Connection} connection
   */
  lost(connection) {
    connection.replaying = null;
    for (const delivery of this.#deliveries.values()) delivery.lost(connection);
    this.#requests.lost(connection);
  }

  /**
   * Whether nothing is awaited on it any more.
   *
   * @param {Connection} connection
   */
  isFree(connection) {
    const isPending = [...this.#deliveries.values()].some(
      ({ subscription: { pending, channel } }) => pending && channel !== OWN,
    );
    return !isPending && !this.#requests.isAwaited(connection);
  }

  /**
   * Called every few seconds, unless closed.
   *
   * @param {number} now
   */
  tick(now) {
    this.#requests.expire(now);
    this.#askAll();
  }

  /**
   * Where the page stands in its user's channel; asked once for each connection.
   *
   * @param {Connection} connection
   * @returns {{user_position: import("./protocol.js").Position} | null} null at the start
   */
  userPosition(connection) {
    const { subscription } = this.own;
    subscription.ask(OWN, connection);
    return subscription.position && { user_position: subscription.position };
  }

  /**
   * @param {string} name
   * @param {SubscribeOptions} options
   */
  #enter(name, options) {
    const { random } = this.platform;
    const subscription = new Subscription(name, { ...options, random });
    const delivery = new Delivery(subscription, this.platform, {
      river: this.#river,
      warnings: this.warnings,
      options,
    });
    this.#deliveries.set(name, delivery);
    return delivery;
  }

  /** @param {string} channel */
  #leave(channel) {
    for (const connection of this.transport?.open ?? [])
      connection.send({ type: "unsubscribe", id: this.#requests.nextId(), channel });
  }

  /** @param {Delivery} delivery */
  #ask({ subscription }) {
    const connection = this.transport?.open.at(-1);
    if (connection && subscription.channel !== OWN && subscription.isDue(this.platform.now())) {
      // The connection that it moved to was lost: what came here meanwhile was left out.
      if (connection.moved) this.#leave(subscription.channel);
      connection.send(subscription.ask(this.#requests.nextId(), connection));
    }
  }

  #askAll() {
    for (const delivery of this.#deliveries.values()) this.#ask(delivery);
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
    const error = new RiverError(reason, "closed by the server");
    const isOver = reason !== "grant";
    // First: its callbacks may subscribe again.
    if (isOver) this.#deliveries.delete(channel);
    delivery.refused({ id: null, code: reason }, error, 0);
    if (isOver) delivery.end();
  }

  /**
   * @param {import("./protocol.js").Refusal} message
   * @param {Connection} connection
   */
  #refused(message, { link }) {
    const now = this.platform.now();
    const error = new RiverError(message.code, message.message);
    if ((message.id ?? "auth") === "auth") link.refused(error, now, message.retry_after_ms);
    this.#requests.settle(/** @type {number} */ (message.id), error);
    for (const [name, delivery] of this.#deliveries)
      if (delivery.refused(message, error, now))
        this.warnings.about("refused", name, message.code, message.message, this.where?.token);
  }

  /**
   * @param {import("./protocol.js").Authenticated} message
   * @param {Connection} connection
   */
  #authenticated(message, connection) {
    this.user = message.user;
    const { welcome } = connection;
    // The server has other secrets by now.
    if (welcome && message.session && message.session !== this.session) this.#adopt(welcome);
    if (message.user_position) this.own.subscribed({ ...message.user_position, id: OWN });
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
    connection.welcome = message;
    if (!this.session) this.#adopt(message);
  }

  /** @param {import("./protocol.js").Welcome} welcome */
  #adopt({ session, resume_session }) {
    this.session = session;
    this.secret = resume_session;
  }
}
