/** One channel, as the application holds it. */

/**
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./protocol.js").Publication} Publication
 * @typedef {import("./protocol.js").Member} Member
 * @typedef {import("./presence.js").Presence} Presence
 * @typedef {import("./errors.js").RiverError} RiverError
 *
 * @typedef {Record<string, any>} EventMap names of the application's events, and their data
 *
 * @typedef {{channel: string, event: string, data: any, user?: string} & Position} EventDetail
 *   an event with all that is known about it; `user` is its author, when that was a client
 *
 * @typedef {Record<"river:subscribed", {recovered: boolean} & Position>
 *   & Record<"river:gap", {reason: import("./subscription.js").Break} & Position>
 *   & Record<"river:joined" | "river:left", Member>
 *   & Record<"river:presence", Presence>
 *   & Record<"river:error", RiverError>} SystemEvents
 *   what River says about a channel: it is live (`recovered`: it goes on exactly where the last
 *   connection ended); what came before this position and was not seen cannot be had, load your state
 *   again; a user came or went; the list of members was replaced; the server refused the channel, or
 *   the snapshot failed
 */

/**
 * @template {EventMap} E
 * @template {string} K
 * @typedef {K extends keyof SystemEvents ? (detail: SystemEvents[K]) => void
 *   : (data: K extends keyof E ? E[K] : any, event: EventDetail) => void} Handler
 */

/**
 * @typedef {object} Calls what a channel needs of the client
 * @property {(event: string, data: unknown) => Promise<Position>} publish
 * @property {(question: Record<string, unknown>) => Promise<any>} history
 */

/**
 * A channel that was subscribed to; `river.subscribe` makes it.
 *
 * @template {EventMap} [E=EventMap]
 */
export class Channel {
  /** The same as `bind`. */
  on = this.bind;
  /** The same as `unbind`. */
  off = this.unbind;

  #feed;
  #calls;

  /**
   * @param {import("./feed.js").Feed} feed
   * @param {Calls} calls
   */
  constructor(feed, calls) {
    this.#feed = feed;
    this.#calls = calls;
  }

  /** The channel's name. */
  get name() {
    return this.#feed.subscription.channel;
  }

  /** Whether events arrive at the moment. */
  get live() {
    return this.#feed.subscription.live;
  }

  /**
   * Up to where the callbacks have seen the channel; null before it was live for the first time.
   *
   * @returns {Position | null}
   */
  get position() {
    return this.#feed.subscription.position;
  }

  /**
   * Who is on the channel, for channels whose name begins with `presence-`.
   *
   * The list is live: look again when `river:joined`, `river:left` or `river:presence` is told.
   *
   * @returns {Presence}
   */
  get presence() {
    return this.#feed.presence;
  }

  /**
   * Call back for each event of a name, in order, each once.
   *
   * `"*"` stands for all events of the application. Names that begin with `river:` are what River itself
   * says about the channel; whatever name a publisher chooses, it cannot call those.
   *
   * @template {string} K
   * @param {K} name
   * @param {Handler<E, K>} callback
   * @returns {this}
   */
  bind(name, callback) {
    this.#emitter(name).on(name, callback);
    return this;
  }

  /**
   * End what `bind` began, for one callback or for all of the name.
   *
   * @template {string} K
   * @param {K} name
   * @param {Handler<E, K>} [callback]
   * @returns {this}
   */
  unbind(name, callback) {
    this.#emitter(name).off(name, callback);
    return this;
  }

  /**
   * Publish an event, if the token grants it; see `river.publish`.
   *
   * @template {keyof E & string} K
   * @param {K} event
   * @param {E[K]} data anything that JSON can say
   * @returns {Promise<Position>}
   */
  publish(event, data) {
    return this.#calls.publish(event, data);
  }

  /**
   * Ask for what was published.
   *
   * @param {{limit?: number, after?: Position}} [options] `limit`: at most so many; `after`: those that
   *   follow this position; without it the last ones
   * @returns {Promise<Position & {publications: Publication[]}>} oldest first; rejected with
   *   `unrecoverable` when the log does not reach back to `after`. Without a connection it waits for one.
   */
  async history({ limit, after } = {}) {
    const { epoch, offset, publications } = await this.#calls.history({ limit, ...after });
    return { epoch, offset, publications };
  }

  /** @param {string} name */
  #emitter(name) {
    return name.startsWith("river:") ? this.#feed.system : this.#feed.events;
  }
}
