/** One channel as the server and this client know it: a state machine without I/O. */

import { backoff } from "./backoff.js";

/** Refusals that may pass. After others only another token or another connection can help. */
const PASSING = /unauthenticated|unavailable|internal|too_fast/;

/**
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {"start" | "epoch" | "window" | "unknown" | "gap"} Break why what came before is not known:
 *   there was nothing before, or the reason of the server
 * @typedef {object} On the connection that something goes over; only its identity matters here
 */

/**
 * Knows on which connection the channel is live, and up to where the application has seen it.
 *
 * While the client moves to another server there are two connections: the channel stays live on the old
 * one until the new one has answered, and what both of them bring is left out by its offset.
 */
export class Subscription {
  /** @type {Position | null} where the next connection resumes */
  position;

  /** @type {On | null} where events are expected from */
  #liveOn = null;
  /** @type {number | string | null} the id of the question that is open */
  #askedAs = null;
  /** @type {On | null} */
  #askedOn = null;
  #retryAt = 0;
  #refusals = 0;
  /** Whether the question that is open carries a position. */
  #resuming = false;
  /** Whether events of the past are asked for, and none of them has come yet. */
  #replaying = false;
  /** Events up to this offset were seen. */
  #seen = 0;
  #history;
  #random;

  /**
   * @param {string} channel
   * @param {{history?: number, since?: Position | null, random: () => number}} options
   */
  constructor(channel, { history = 0, since = null, random }) {
    this.channel = channel;
    this.position = since;
    this.#seen = since?.offset ?? 0;
    this.#history = history;
    this.#random = random;
  }

  /** Whether events of the channel are expected. */
  get live() {
    return this.#liveOn !== null;
  }

  /** Whether a question to the server is open. */
  get pending() {
    return this.#askedAs !== null;
  }

  /**
   * Whether this is the connection that events are expected from.
   *
   * @param {On} on
   */
  isLiveOn(on) {
    return this.#liveOn === on;
  }

  /**
   * Whether the server is to be asked.
   *
   * @param {number} now
   */
  isDue(now) {
    return !this.live && !this.pending && now >= this.#retryAt;
  }

  /**
   * The question to the server.
   *
   * @param {number | string} id
   * @param {On} on
   * @returns {import("./protocol.js").ClientMessage & Partial<Position>}
   */
  ask(id, on) {
    this.#askedAs = id;
    this.#askedOn = on;
    this.#resuming = this.position !== null && !this.#replaying;
    const past = this.#history > 0 && { history: this.#history };
    const from = this.#resuming ? this.position : past;
    return { type: "subscribe", id, channel: this.channel, ...from };
  }

  /**
   * The server's answer: from now on events are expected from where the question was asked.
   *
   * @param {Omit<import("./protocol.js").Subscribed, "type" | "channel">} message
   * @returns {Break | "resumed" | null} what the application has to know; null when the answer is not
   *   for the question that is open
   */
  subscribed(message) {
    const { id, epoch, offset, recovered, reason } = message;
    if (id !== this.#askedAs) return null;
    this.#liveOn = this.#askedOn;
    this.#askedAs = this.#askedOn = null;
    this.#refusals = 0;
    const before = this.position;
    if (this.#resuming && recovered) return "resumed";
    this.restart(message);
    if (this.#resuming) return /** @type {Break} */ (reason ?? "unknown");
    this.#replaying = this.#history > 0;
    if (this.#replaying) this.#seen = offset - this.#history;
    // Asked again for the past, because the connection was lost before any of it came.
    const complete = !before || (before.epoch === epoch && before.offset >= this.#seen);
    return complete ? "start" : "window";
  }

  /**
   * The first message after the answer has arrived.
   *
   * @param {boolean} past whether it is an event of the channel: the first of the past that was asked for
   */
  settle(past) {
    if (this.#replaying && !past) this.#seen = this.position?.offset ?? 0;
    this.#replaying = false;
  }

  /**
   * The server refused.
   *
   * @param {Pick<import("./protocol.js").Refusal, "id" | "code">} message
   * @param {number} now
   * @returns {boolean} false when this is no answer to the question that is open
   */
  refused({ id, code }, now) {
    if (id !== this.#askedAs) return false;
    this.#liveOn = this.#askedAs = this.#askedOn = null;
    const waitMs = PASSING.test(code) ? backoff(this.#refusals++, this.#random) : Infinity;
    this.#retryAt = now + waitMs;
    return true;
  }

  /** The refusal may not hold any more. */
  retry() {
    this.#retryAt = 0;
  }

  /**
   * Whether an event was not seen yet. One that no log keeps has no offset, and comes once.
   *
   * @param {{offset?: number}} event
   */
  accepts({ offset }) {
    return offset === undefined || offset > this.#seen;
  }

  /**
   * The application has seen everything up to here; call after its callbacks were.
   *
   * @param {{epoch?: string, offset?: number}} position an epoch that is not the channel's is ignored
   */
  saw({ epoch, offset }) {
    if (!this.position || (epoch && epoch !== this.position.epoch)) return;
    if (offset === undefined || offset <= this.#seen) return;
    this.position = { epoch: this.position.epoch, offset };
    this.#seen = offset;
  }

  /**
   * A connection is gone.
   *
   * @param {On} on
   */
  lost(on) {
    if (this.#liveOn === on) this.#liveOn = null;
    if (this.#askedOn === on) this.#askedAs = this.#askedOn = null;
    this.#retryAt = 0;
  }

  /**
   * Begin here: what came before cannot be had.
   *
   * @param {Position} position
   */
  restart({ epoch, offset }) {
    this.position = { epoch, offset };
    this.#seen = offset;
    this.#replaying = false;
  }
}
