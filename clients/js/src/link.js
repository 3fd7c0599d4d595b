/** Where the connection stands and what to do next: a state machine without I/O. */

import { backoff, outageBackoff } from "./backoff.js";
import {
  ASK_AGAIN,
  ASLEEP_MS,
  OPEN_MS,
  PONG_MS,
  QUIET_MS,
  RECENT_MS,
  STABLE_MS,
  WAKE_PONG_MS,
} from "./limits.js";
import { describeClose, isFinal, TOKEN_REFUSED } from "./status.js";
import { renewInMs } from "./token.js";

export const NEVER = Infinity;

/**
 * @typedef {import("./status.js").Status} Status
 * @typedef {{do: "ask", ask: number} | {do: "open"} | {do: "close"} | {do: "move"}
 *   | {do: "status", status: Status}
 *   | {do: "send", message: import("./protocol.js").ClientMessage}} Effect
 */

/**
 * One client's connection, from the first attempt to the last.
 *
 * The owner calls a method for all that happens, with the time in milliseconds, and carries out the
 * effects it returns, in order. Between them it calls `tick` no later than `nextAt`, and at least every
 * `PULSE_MS` to notice that the machine slept. A status comes last among the effects, because its
 * receiver may call a method at once.
 */
export class Link {
  /** @type {Status} */
  status = { state: "closed", reason: "" };

  #options;
  /** @type {string | null} */
  #token = null;
  /** The number of the last question to the token function; older answers come too late. */
  #ask = 0;
  #renewAt = NEVER;
  /** Whether this attempt has the token of an earlier one. */
  #isKept = false;
  /** When the outage began: the longer it lasts, the further clients spread their attempts. */
  #lostAt = 0;
  #connectedAt = 0;
  /** How long the connection that ended had worked; 0 if it had not. */
  livedMs = 0;
  /** When an attempt, a wait or the answer to a ping is over. */
  #dueAt = NEVER;
  /** When the server last showed that it is there. A network that came or went makes that worthless. */
  #receivedAt = 0;
  /** Earliest time of the next attempt, as the server asked for it. */
  #notBefore = 0;
  #moveAt = NEVER;
  #tickedAt = 0;
  #offline = false;
  /** Whether the token that was refused will be taken later. */
  #cured = false;
  /** @type {Error | undefined} what the server said last, the reason if it closes now */
  #error;

  /**
   * @param {{renewable: boolean, guest?: boolean, random: () => number}} options renewable: another token
   *   can be had; guest: there is none
   */
  constructor(options) {
    this.#options = options;
  }

  /**
   * The link to another server, while this one still serves. It begins with the same token, and its
   * back-off starts anew: that a server stops is no outage.
   */
  successor() {
    const next = new Link(this.#options);
    next.#token = this.#token;
    next.#renewAt = this.#renewAt;
    return next;
  }

  get state() {
    return this.status.state;
  }

  get isConnected() {
    return this.state === "connected";
  }

  /** When `tick` is needed. */
  get nextAt() {
    if (!this.isConnected) return this.#dueAt;
    const aliveUntil = this.#dueAt === NEVER ? this.#receivedAt + QUIET_MS : this.#dueAt;
    return Math.min(aliveUntil, this.#renewAt, this.#moveAt);
  }

  /**
   * Start, unless it has been started.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  connect(now) {
    if (this.state !== "closed") return [];
    this.#lostAt = now;
    return this.#begin(now);
  }

  /**
   * End, until `connect` is called again.
   *
   * @param {string} reason
   * @param {number} [code]
   * @returns {Effect[]}
   */
  stop(reason, code) {
    return this.state === "closed" ? [] : [this.#drop(), this.#enter("closed", reason, { code })];
  }

  /**
   * The application gave a token.
   *
   * @param {number} ask the number of the question
   * @param {string} token
   * @param {number} now
   * @returns {Effect[]}
   */
  gotToken(ask, token, now) {
    if (ask !== this.#ask) return [];
    this.#token = token;
    return [this.isConnected ? this.#auth() : this.#open(now)];
  }

  /**
   * The application gave no token.
   *
   * @param {number} ask the number of the question
   * @param {Error} error
   * @param {number} now
   * @returns {Effect[]}
   */
  noToken(ask, error, now) {
    if (ask !== this.#ask) return [];
    if (!this.isConnected) {
      this.#error = error;
      // The old one may have ended: the next attempt asks, too.
      this.#renewAt = now;
      return this.#options.renewable ? this.#wait(now, error.message) : this.stop(error.message);
    }
    // The old token still serves: if it runs out before there is another, the server will say so.
    this.#renewAt = now + backoff(ASK_AGAIN, this.#options.random);
    return [];
  }

  /**
   * The socket is open.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  opened(now) {
    this.#dueAt = now + OPEN_MS;
    return this.#options.guest ? [] : [this.#auth()];
  }

  /**
   * The server is there: for a guest that is all.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  welcomed(now) {
    return this.#options.guest ? this.authenticated(null, now) : [];
  }

  /**
   * The server took the token.
   *
   * @param {number | null} remainingMs how long the token is good for
   * @param {number} now
   * @returns {Effect[]}
   */
  authenticated(remainingMs, now) {
    this.#error = undefined;
    if (this.#options.renewable) this.#renewAt = now + renewInMs(remainingMs);
    if (this.isConnected) return [];
    this.#dueAt = NEVER;
    this.#connectedAt = now;
    return [this.#enter("connected", "connected")];
  }

  /**
   * The server, or the WebSocket class, refused something that is not the answer to a request.
   *
   * @param {Error} error
   * @param {number} [now]
   * @param {number} [retryAfterMs] the same token is taken after this time
   */
  refused(error, now = 0, retryAfterMs = 0) {
    this.#error = error;
    if (retryAfterMs) this.#notBefore = now + retryAfterMs;
    this.#cured = retryAfterMs > 0;
  }

  /**
   * Something arrived.
   *
   * @param {number} now
   */
  received(now) {
    this.#receivedAt = now;
    if (this.isConnected) this.#dueAt = NEVER;
  }

  /**
   * The server is about to stop and asks to come back later, elsewhere.
   *
   * This connection goes on until the other one works. The wait gets jitter on top, in case that others
   * were asked the same.
   *
   * @param {number} now
   * @param {number} [retryAfterMs]
   * @returns {Effect[]} none yet
   */
  bye(now, retryAfterMs = 0) {
    this.#notBefore = this.#moveAt = now + retryAfterMs + backoff(0, this.#options.random);
    return [];
  }

  /**
   * The socket is closed, or could not be opened.
   *
   * @param {{code: number, reason?: string}} close
   * @param {number} now
   * @returns {Effect[]}
   */
  lost({ code, reason: said }, now) {
    const reason = describeClose(code, said || this.#error?.message, this.isConnected);
    const { renewable } = this.#options;
    const cured = this.#cured;
    this.#cured = false;
    if (!cured && isFinal(code, renewable)) return this.stop(reason, code);
    if (renewable && (cured || code === TOKEN_REFUSED)) this.#token = null;
    return this.#wait(now, reason, code);
  }

  /**
   * The device found a network.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  online(now) {
    this.#offline = false;
    this.#receivedAt = -NEVER;
    return this.awake(now);
  }

  /**
   * The device says that it lost its network. It may be wrong: the connection is asked.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  offline(now) {
    this.#offline = true;
    this.#receivedAt = -NEVER;
    if (this.state !== "waiting") return this.#probe(now);
    return [this.#enter("waiting", "", { retryInMs: this.#dueAt - now })];
  }

  /**
   * The machine woke up, or somebody looks at the page again: try now, or make sure that it works.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  awake(now) {
    this.#tickedAt = now;
    if (this.state !== "waiting") return this.#probe(now);
    this.#dueAt = Math.max(now, this.#notBefore);
    return this.tick(now);
  }

  /**
   * Do what is due.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  tick(now) {
    const { state } = this;
    const slept = now - this.#tickedAt > ASLEEP_MS;
    this.#tickedAt = now;
    // Who already waits for a pong is not given more time: ticks of hidden pages are always late.
    if (slept && this.isConnected && this.#dueAt === NEVER) return this.awake(now);
    if (now >= this.#dueAt) {
      if (state === "waiting") return this.#begin(now);
      return this.#wait(now, "the server does not answer");
    }
    return this.isConnected ? this.#upkeep(now) : [];
  }

  /**
   * @param {number} now
   * @returns {Effect[]}
   */
  #upkeep(now) {
    /** @type {Effect[]} */
    const effects = now >= this.#moveAt ? [{ do: "move" }] : [];
    if (effects[0]) this.#moveAt = NEVER;
    if (now >= this.#renewAt) effects.push(this.#askToken());
    const quiet = this.#dueAt === NEVER && now >= this.#receivedAt + QUIET_MS;
    if (quiet) effects.push(this.#ping(now, PONG_MS));
    return effects;
  }

  /**
   * @param {number} now
   * @returns {Effect[]}
   */
  #probe(now) {
    const recent = now - this.#receivedAt < RECENT_MS;
    return !this.isConnected || recent ? [] : [this.#ping(now, WAKE_PONG_MS)];
  }

  /**
   * @param {number} now
   * @param {number} limitMs
   * @returns {Effect}
   */
  #ping(now, limitMs) {
    this.#dueAt = now + limitMs;
    return { do: "send", message: { type: "ping" } };
  }

  /** @returns {Effect} */
  #auth() {
    return { do: "send", message: { type: "auth", id: "auth", token: this.#token } };
  }

  /**
   * @param {number} now
   * @returns {Effect[]}
   */
  #begin(now) {
    this.#tickedAt = now;
    this.#dueAt = NEVER;
    this.#error = undefined;
    this.#isKept = this.#token !== null && now < this.#renewAt;
    const effect = this.#options.guest || this.#isKept ? this.#open(now) : this.#askToken();
    return [effect, this.#enter("connecting", "connecting")];
  }

  /** @returns {Effect} */
  #askToken() {
    this.#renewAt = NEVER;
    return { do: "ask", ask: ++this.#ask };
  }

  /**
   * @param {number} now
   * @returns {Effect}
   */
  #open(now) {
    this.#dueAt = now + OPEN_MS;
    return { do: "open" };
  }

  /**
   * @param {number} now
   * @param {string} reason
   * @param {number} [code]
   * @returns {Effect[]}
   */
  #wait(now, reason, code) {
    const livedMs = this.isConnected ? now - this.#connectedAt : -1;
    if (livedMs >= Math.max(STABLE_MS, this.#connectedAt - this.#lostAt)) this.#lostAt = now;
    this.livedMs = livedMs + 1;
    const closing = this.#drop();
    // A token that ended meanwhile is no outage: another one is asked for at once.
    const isOver = this.#isKept && !this.#token;
    const waitMs = isOver ? 0 : outageBackoff(now - this.#lostAt, this.#options.random);
    this.#dueAt = Math.max(now + waitMs, this.#notBefore);
    return [closing, this.#enter("waiting", reason, { retryInMs: this.#dueAt - now, code })];
  }

  /**
   * Forget what belonged to the connection that is over.
   *
   * @returns {Effect}
   */
  #drop() {
    this.#ask++;
    this.#moveAt = this.#dueAt = NEVER;
    return { do: "close" };
  }

  /**
   * @param {import("./status.js").State} state
   * @param {string} words
   * @param {{retryInMs?: number, code?: number}} [more]
   * @returns {Effect}
   */
  #enter(state, words, more) {
    const reason = this.#offline && state === "waiting" ? "the device is offline" : words;
    this.status = { state, reason, ...more, error: this.#error };
    return { do: "status", status: this.status };
  }
}
