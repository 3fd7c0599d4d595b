/** One channel, as the application holds it. */

/** What River says about a channel; the last three only about those with members. */
export const SYSTEM_EVENTS = [
  "river:subscribed",
  "river:gap",
  "river:error",
  "river:joined",
  "river:left",
  "river:presence",
];

/**
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./protocol.js").Publication} Publication
 * @typedef {import("./protocol.js").Member} Member
 * @typedef {import("./presence.js").Presence} Presence
 * @typedef {import("./errors.js").RiverError} RiverError
 *
 * @typedef {{channel: string, event: string, data: unknown, user?: string, epoch: string,
 *   offset?: number, after?: number}} EventDetail an event with all that is known about it; `user` is its
 *   author, when that was a client; one published with `keep: false` has no `offset` but `after`, the one
 *   that it follows
 *
 * @typedef {{reason: import("./subscription.js").Break, reloadAfterMs: number} & Position} GapDetail
 *   what came before this position and was not seen cannot be had: load your state again, after
 *   `reloadAfterMs`, which spreads clients that lost the same
 *
 * @typedef {Record<"river:subscribed", {recovered: boolean} & Position>
 *   & Record<"river:gap", GapDetail>
 *   & Record<"river:joined" | "river:left", Member>
 *   & Record<"river:presence", Presence>
 *   & Record<"river:error", RiverError>} SystemEvents
 *   what River says about a channel: it is live (`recovered`: it goes on exactly where the last
 *   connection ended); something is missing; a user came or went; the list of members was replaced; the
 *   server refused the channel, or the snapshot failed
 */

/**
 * @template E the application's events: an interface or type with their names and data
 * @template {string} K
 * @typedef {K extends keyof SystemEvents ? (detail: SystemEvents[K]) => void
 *   : (data: K extends keyof E ? E[K] : unknown, event: EventDetail) => void} Handler
 */

/**
 * @template E
 * @typedef {(keyof E & string) | keyof SystemEvents | "*"} EventName
 */

/**
 * A channel that was subscribed to; `river.subscribe` makes it.
 *
 * @template [E=Record<string, unknown>] the application's events: their names and data
 */
export class Channel {
  /** The same as `on`. */
  bind = this.on;
  /** The same as `off`. */
  unbind = this.off;

  #delivery;
  #river;

  /**
   * @param {import("./delivery.js").Delivery} delivery
   * @param {import("./river.js").River} river
   */
  constructor(delivery, river) {
    this.#delivery = delivery;
    this.#river = river;
  }

  /** The channel's name. */
  get name() {
    return this.#delivery.subscription.channel;
  }

  /** Whether events arrive at the moment; not while a snapshot is still to come. */
  get live() {
    return this.#delivery.live;
  }

  /**
   * Up to where the callbacks have seen the channel; null before it was live for the first time.
   *
   * @returns {Position | null}
   */
  get position() {
    return this.#delivery.subscription.position;
  }

  /**
   * Who is on the channel, for channels whose name begins with `presence-`.
   *
   * The list is live: look again when `river:joined`, `river:left` or `river:presence` comes.
   *
   * @returns {Presence}
   */
  get presence() {
    return this.#delivery.presence;
  }

  /**
   * Call back for each event of a name, in order, each once.
   *
   * `"*"` stands for all events of the application. Names that begin with `river:` are what River itself
   * says about the channel; whatever name a publisher chooses, it cannot call those.
   *
   * @template {EventName<E>} K
   * @param {K} name
   * @param {Handler<E, K>} callback
   * @returns {this}
   */
  on(name, callback) {
    this.#emitter(name).on(name, callback);
    return this;
  }

  /**
   * End what `on` began, for one callback or for all of the name.
   *
   * @template {EventName<E>} K
   * @param {K} name
   * @param {Handler<E, K>} [callback]
   * @returns {this}
   */
  off(name, callback) {
    this.#emitter(name).off(name, callback);
    return this;
  }

  /** The same as `river.unsubscribe(channel.name)`. */
  unsubscribe() {
    // Not what others have begun since this one ended.
    if (this.#delivery.users) this.#river.unsubscribe(this.name);
  }

  /**
   * Publish an event, if the token grants it; see `river.publish`.
   *
   * @template {keyof E & string} K
   * @param {K} event
   * @param {E[K]} data anything that JSON can say
   * @param {import("./protocol.js").PublishOptions} [options]
   * @returns {Promise<import("./protocol.js").Receipt>}
   */
  publish(event, data, options) {
    return this.#river.publish(this.name, event, data, options);
  }

  /**
   * Ask for what was published; see `river.history`.
   *
   * @param {{limit?: number, after?: Position}} [options]
   * @returns {Promise<Position & {publications: Publication[]}>}
   */
  history(options) {
    return this.#river.history(this.name, options);
  }

  /** @param {string} name */
  #emitter(name) {
    return name.startsWith("river:") ? this.#delivery.system : this.#delivery.events;
  }
}
