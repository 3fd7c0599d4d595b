/** The kinds of channels, in the form of pusher-js. */

import { sharedSecret } from "./authorization.js";
import { Dispatcher } from "./dispatcher.js";
import { Encryption } from "./encryption.js";
import { Members } from "./members.js";

/** Only River says these: no publisher can. */
const RESERVED = /^pusher(_internal)?:/;
/** How far back the last event of the back end is looked for, behind events of clients. */
const CACHE_LOOK_MAX = 20;

/**
 * @typedef {import("../src/river.js").River} River
 * @typedef {import("../src/errors.js").RiverError} RiverError
 * @typedef {import("../src/protocol.js").Position} Position
 * @typedef {import("../src/protocol.js").Publication} Publication
 * @typedef {import("./pusher.js").Pusher} Pusher
 */

/**
 * A channel; `pusher.subscribe` makes it. It has `name`, `subscribed`, `subscriptionPending`, `trigger`, and
 * `bind`, `unbind`, `bind_global`, `unbind_global`, `unbind_all` as the whole client has them; one whose name
 * begins with `presence-` has `members`.
 */
export class PusherChannel extends Dispatcher {
  subscribed = false;
  subscriptionPending = false;
  subscriptionCancelled = false;
  /** @type {null} River's own protocol does not report it */
  subscriptionCount = null;
  /** @type {Encryption | null} */
  encryption = null;

  #river;
  /** Whether River's client has the channel. */
  #isOpen = false;

  /**
   * @param {string} name
   * @param {Pusher} pusher
   * @param {River} river
   */
  constructor(name, pusher, river) {
    super();
    this.name = name;
    this.pusher = pusher;
    this.#river = river;
  }

  /**
   * Send an event to the others on the channel.
   *
   * @param {string} event begins with `client-`
   * @param {unknown} data
   * @returns {boolean} whether it was sent
   */
  trigger(event, data) {
    if (this.encryption) throw new Error(`${this.name} has no client events`);
    if (!event.startsWith("client-"))
      throw new Error(`Event '${event}' does not start with 'client-'`);
    return this.pusher.send_event(event, data, this.name);
  }

  /** Subscribe; again after a refusal. For `pusher.subscribe`. */
  subscribe() {
    this.pending();
    if (!this.encryption) this.#open();
  }

  #open() {
    const channel = this.#river.subscribe(this.name, this.#isOpen ? {} : this.options);
    // It counts its users: the second call only asks again for what was refused.
    if (this.#isOpen) channel.unsubscribe();
    else this.#listen(channel);
    this.#isOpen = true;
  }

  /** For `pusher.unsubscribe`. */
  unsubscribe() {
    this.disconnect();
    if (this.#isOpen) this.#river.unsubscribe(this.name);
    this.#isOpen = false;
  }

  /** @param {import("../src/channel.js").Channel<any>} channel */
  #listen(channel) {
    channel.on("river:subscribed", (detail) => this.live(detail));
    channel.on("river:error", (error) => this.#refused(error));
    channel.on("river:gap", ({ reloadAfterMs }) =>
      this.#say("river:gap", { reload_after_ms: reloadAfterMs }),
    );
    channel.on("*", (_, event) => this.received(event));
    this.listen(channel);
  }

  /** The connection is there: the server is asked, after who has the key. */
  pending() {
    this.subscriptionPending = !this.subscribed && this.pusher.connection.state === "connected";
    if (this.encryption && this.subscriptionPending) this.#unlock(this.encryption);
  }

  /** @param {Encryption} encryption */
  async #unlock(encryption) {
    try {
      await encryption.unlock();
      if (this.#isUsed()) this.#open();
    } catch (error) {
      if (this.#isUsed()) this.#locked(/** @type {Error} */ (error));
    }
  }

  #isUsed() {
    return this.pusher.channel(this.name) === this;
  }

  /** @param {Error & {status?: number}} error */
  #locked({ message, status }) {
    this.disconnect();
    const detail = { type: "AuthError", error: message };
    this.emit("pusher:subscription_error", status ? { ...detail, status } : detail);
  }

  /** The connection is gone. */
  disconnect() {
    this.subscribed = this.subscriptionPending = false;
  }

  /** @type {import("../src/river.js").SubscribeOptions} of River's client */
  get options() {
    return {};
  }

  /**
   * @param {{recovered: boolean} & Position} detail
   * @returns {void}
   */
  live({ recovered }) {
    // While a gateway stops the channel goes on: nothing happened to the page.
    if (!this.subscribed || !recovered) this.#succeeded({});
  }

  /** @param {import("../src/channel.js").Channel<any>} _channel to listen to for more */
  listen(_channel) {}

  /**
   * @param {Publication | import("../src/channel.js").EventDetail} event
   * @returns {void}
   */
  received({ event, data, user }) {
    if (RESERVED.test(event)) return;
    if (!this.encryption) this.#say(event, data, this.metadata(user));
    else {
      this.encryption.open(data, (opened) => this.#isUsed() && this.emit(event, opened));
      this.pusher.said({ event, channel: this.name, data });
    }
  }

  /**
   * @param {string | undefined} _user whose event it is
   * @returns {{user_id?: string}}
   */
  metadata(_user) {
    return {};
  }

  /** @param {unknown} data */
  succeeded(data) {
    this.#succeeded(data);
  }

  /** No event is cached. */
  missed() {
    this.#say("pusher:cache_miss", undefined);
  }

  /** @param {unknown} data */
  #succeeded(data) {
    this.subscribed = true;
    this.subscriptionPending = false;
    this.emit("pusher:subscription_succeeded", data);
  }

  /** @param {RiverError} error */
  #refused({ code, message }) {
    this.disconnect();
    // River's client has forgotten who was removed.
    if (code === "removed") this.#isOpen = false;
    const status = code === "forbidden" ? 403 : 401;
    const known = ["forbidden", "unauthenticated", "grant", "removed"].includes(code);
    const detail = known ? { type: "AuthError", status } : { type: "SubscriptionError" };
    this.emit("pusher:subscription_error", { ...detail, error: message });
  }

  /**
   * @param {string} event
   * @param {unknown} data
   * @param {{user_id?: string}} [metadata]
   */
  #say(event, data, metadata = {}) {
    this.emit(event, data, metadata);
    this.pusher.said({ event, channel: this.name, data });
  }
}

/** Its last event is kept: who subscribes gets it, or `pusher:cache_miss`. */
export class CacheChannel extends PusherChannel {
  #river;
  /** @type {number} what is not after this offset was there before the page */
  #startedAt = Infinity;
  #hasEvent = false;

  /**
   * @param {string} name
   * @param {Pusher} pusher
   * @param {River} river
   */
  constructor(name, pusher, river) {
    super(name, pusher, river);
    this.#river = river;
  }

  get options() {
    return { history: 1 };
  }

  /** @param {{recovered: boolean} & Position} detail */
  live(detail) {
    super.live(detail);
    this.#startedAt = detail.recovered ? 0 : detail.offset;
    this.#hasEvent = detail.recovered;
    if (!detail.recovered) this.#look().catch(() => {});
  }

  /** @param {Publication | import("../src/channel.js").EventDetail} event */
  received(event) {
    if ((event.offset ?? Infinity) <= this.#startedAt && isOfClient(event)) return;
    this.#hasEvent = true;
    super.received(event);
  }

  /** The answer follows the cached event, if there is one that the subscription itself brings. */
  async #look() {
    const at = this.#startedAt;
    const { publications } = await this.#river.history(this.name, { limit: CACHE_LOOK_MAX });
    if (this.#hasEvent || at !== this.#startedAt) return;
    const last = publications.findLast((one) => one.offset <= at && !isOfClient(one));
    if (last) this.received(last);
    else this.missed();
  }
}

/** It has members. */
export class PresenceChannel extends PusherChannel {
  members = new Members();

  #river;

  /**
   * @param {string} name
   * @param {Pusher} pusher
   * @param {River} river
   */
  constructor(name, pusher, river) {
    super(name, pusher, river);
    this.#river = river;
  }

  disconnect() {
    super.disconnect();
    this.members.reset();
  }

  /** The list of members follows, and with it the subscription has succeeded. */
  live() {}

  /** @param {import("../src/channel.js").Channel<any>} channel */
  listen(channel) {
    channel.on("river:presence", (presence) => {
      this.members.replace(presence, this.#river.user);
      this.succeeded(this.members);
    });
    channel.on("river:joined", ({ user, info }) => {
      const member = this.members.add(user, info);
      if (member) this.emit("pusher:member_added", member);
    });
    channel.on("river:left", ({ user }) => {
      const member = this.members.remove(user);
      if (member) this.emit("pusher:member_removed", member);
    });
  }

  /** @param {string | undefined} user */
  metadata(user) {
    return user === undefined ? {} : { user_id: user };
  }
}

/** @param {{event: string}} publication */
function isOfClient({ event }) {
  return event.startsWith("client-");
}

/**
 * @param {string} name
 * @param {Pusher} pusher
 * @param {River} river
 * @returns {PusherChannel}
 */
export function newChannel(name, pusher, river) {
  if (name.startsWith("#")) throw new Error(`Cannot create a channel with name "${name}".`);
  if (name.startsWith("presence-")) return new PresenceChannel(name, pusher, river);
  const Kind = /^(private-(encrypted-)?)?cache-/.test(name) ? CacheChannel : PusherChannel;
  const channel = new Kind(name, pusher, river);
  if (name.startsWith("private-encrypted-")) channel.encryption = newEncryption(channel);
  return channel;
}

/** @param {PusherChannel} channel */
function newEncryption({ name, pusher }) {
  const { options, connection } = pusher;
  if (!options.nacl) throw new Error(`${name}: give the option nacl`);
  return new Encryption(options.nacl, () =>
    sharedSecret(options, { name }, connection.socket_id ?? ""),
  );
}
