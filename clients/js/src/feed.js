/** Up to fifty channels over plain HTTP: one stream, or one poll after the other. */

import { readEvents } from "./event-source.js";
import { OWN } from "./protocol.js";

/** A stream that says nothing for so long when it is new is kept back by something on the way. */
const FIRST_MS = 5_000;
/** A poll may take so long: the server answers within 25 s. */
const POLL_MS = 40_000;
const POLL_WAIT_S = 25;
/** Changes within so short a time are one new request. */
const TOGETHER_MS = 20;
/** A stream that ended is opened again within this. */
const AGAIN_MS = 1_000;
/** What ends sooner than this is opened again later and later. */
const SHORT_MS = 10_000;
/** How many channels, and how many letters of their names, one request has. */
export const CHANNELS_MAX = 50;
const LETTERS_MAX = 4_000;
/** So long after an answer the past that was asked for may still come. */
const PAST_MS = 1_000;
/** Refusals that may pass: the channel is asked for again. */
const PASSING = ["broker_unavailable", "unavailable", "internal", "unknown", "too_fast"];

/** @type {Set<string>} where streams are kept back: polls begin at once there */
const buffered = new Set();

/**
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {Record<string, any>} Message
 *
 * @typedef {object} FeedChannel
 * @property {unknown} [id] the client's number of the question that is open
 * @property {boolean} isAsked whether one is
 * @property {Position} [position]
 * @property {number} history how many events of the past are asked for, while they may come
 * @property {number} answeredAt
 *
 * @typedef {object} Owner
 * @property {string} url
 * @property {boolean} polls
 * @property {() => Record<string, string>} headers with the token
 * @property {string | undefined} secret of the session
 * @property {(message: Message, feed: Feed) => void} message
 * @property {(code: number, reason: string, refusal?: Message) => void} end nothing more can be had
 *
 * @typedef {{names: string[], abort: AbortController, spokeAt: number, isSilent: boolean}} Run
 */

/**
 * Opens another request before it ends the one before: then nobody leaves a presence channel, and what
 * both bring is told apart by its offset.
 */
export class Feed {
  /** @type {Map<string, FeedChannel>} */
  channels = new Map();
  /** @type {FeedChannel} that of the token's user: the server subscribes to it */
  own = { isAsked: true, history: 0, answeredAt: 0 };
  /** When something came last, by the wall clock: others stand still while a machine sleeps. */
  heardAt = 0;

  #owner;
  /** @type {Run | null} whose messages count */
  #current = null;
  /** @type {Run | null} */
  #next = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #closed = false;
  /** How many requests in a row ended soon. */
  #short = 0;

  /** @param {Owner} owner */
  constructor(owner) {
    this.#owner = owner;
  }

  get isPolling() {
    return this.#owner.polls || buffered.has(this.#owner.url);
  }

  /** Whether something came lately enough for the server to be there. */
  get isAlive() {
    return Date.now() - this.heardAt < (this.isPolling ? POLL_MS : 20_000);
  }

  /** @param {string} name */
  hasRoomFor(name) {
    const letters = [...this.channels.keys()].reduce((sum, one) => sum + one.length, name.length);
    return this.channels.size < CHANNELS_MAX && letters <= LETTERS_MAX;
  }

  /** Ask anew, with the channels and the token as they are then. */
  restart(delayMs = TOGETHER_MS) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#begin(), delayMs);
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#next?.abort.abort();
    this.#current?.abort.abort();
  }

  #begin() {
    this.#next?.abort.abort();
    const names = [...this.channels.keys()];
    const run = { names, abort: new AbortController(), spokeAt: 0, isSilent: false };
    this.#next = run;
    this.#follow(run);
  }

  /** @param {Run} run */
  async #follow(run) {
    const polls = this.isPolling;
    const limit = setTimeout(() => run.spokeAt || this.#silence(run), polls ? POLL_MS : FIRST_MS);
    try {
      if (polls) await this.#poll(run);
      else await this.#stream(run);
    } catch {
      // It ended: how does not matter.
    }
    clearTimeout(limit);
    if (this.#closed || (run.abort.signal.aborted && !run.isSilent)) return;
    if (!run.isSilent || polls) return this.#ended(run);
    buffered.add(this.#owner.url);
    this.#begin();
  }

  /** @param {Run} run that is kept back on the way */
  #silence(run) {
    run.isSilent = true;
    run.abort.abort();
  }

  /** @param {Run} run */
  async #stream(run) {
    const { body } = await this.#get(run, "");
    // React Native has whole answers only.
    if (!body?.getReader) return this.#silence(run);
    return readEvents(body, {
      heard: () => {
        this.heardAt = Date.now();
      },
      message: (text) => this.#take(run, JSON.parse(text)),
    });
  }

  /** @param {Run} run */
  async #poll(run) {
    for (let waitS = 0; !run.abort.signal.aborted; waitS = POLL_WAIT_S) {
      const answer = await this.#get(run, `&mode=poll&wait_s=${waitS}`);
      const { events } = await answer.json();
      this.heardAt = Date.now();
      for (const message of events) this.#take(run, message);
      if (events.some((/** @type {Message} */ { type }) => type === "bye")) return;
    }
  }

  /**
   * @param {Run} run
   * @param {string} fields
   */
  async #get(run, fields) {
    const { url, headers, secret } = this.#owner;
    const names = run.names.map((name) => `&channel=${encodeURIComponent(name)}`).join("");
    const own = this.own.position ? [`@${this.#start(OWN)}`] : [];
    const cursor = `.${[...run.names.map((name) => this.#start(name)), ...own].join()}`;
    const answer = await fetch(`${url}/events?shape=native${names}${fields}`, {
      headers: { ...headers(), "last-event-id": secret ? `${cursor}.${secret}` : cursor },
      signal: run.abort.signal,
      cache: "no-store",
    });
    if (answer.ok) return answer;
    const { error } = await answer.json();
    const isToken = answer.status === 401;
    this.#owner.end(isToken ? 4401 : 1006, error.message, isToken && error);
    throw new Error(error.message);
  }

  /** @param {string} name */
  #channel(name) {
    return name === OWN ? this.own : this.channels.get(name);
  }

  /**
   * Where a channel begins; see the cursor in docs/http-streaming.md.
   *
   * @param {string} name
   */
  #start(name) {
    const { position, history, answeredAt } = /** @type {FeedChannel} */ (
      this.#channel(name) ?? { history: 0, answeredAt: 0 }
    );
    const wantsPast = history > 0 && Date.now() - answeredAt < PAST_MS;
    if (position && !wantsPast) return `${position.epoch}:${position.offset}`;
    return history > 0 ? `-${history}` : "-";
  }

  /**
   * @param {Run} run
   * @param {Message} message
   */
  #take(run, message) {
    if (this.#closed || run.abort.signal.aborted) return;
    if (run === this.#next) {
      this.#current?.abort.abort();
      this.#current = run;
      this.#next = null;
    }
    run.spokeAt ||= Date.now();
    if (message.type === "bye") this.#bye(message);
    else if (message.type === "subscribed") this.#subscribed(message);
    else if (message.type === "error" && message.id !== undefined) this.#refused(run, message);
    else this.#tell(message);
  }

  /** @param {Message} message */
  #tell(message) {
    const channel = this.#channel(message.channel);
    if (message.type === "event") {
      // One that no log keeps could come twice while there are two requests.
      if (message.offset === undefined && this.#next) return;
      if (channel && message.offset !== undefined) this.#moved(channel, message.offset);
    } else if (channel && message.type === "gap") channel.position = /** @type {any} */ (message);
    else if (message.type === "unsubscribed") this.channels.delete(message.channel);
    this.#owner.message(message, this);
  }

  /**
   * @param {FeedChannel} channel
   * @param {number} offset
   */
  #moved(channel, offset) {
    const { position, history } = channel;
    if (!position || (history === 0 && offset <= position.offset)) return;
    channel.history = 0;
    channel.position = { epoch: position.epoch, offset };
  }

  /** @param {Message} message */
  #subscribed({ id: _, ...message }) {
    const channel = this.#channel(message.channel);
    if (!channel) return this.#owner.message(message, this);
    const { epoch, offset, recovered, presence, reload_after_ms } = message;
    const before = channel.position?.offset ?? offset;
    // One that came back while its last question was under way is answered that one.
    if (!recovered || !channel.position) channel.position = { epoch, offset };
    if (channel.isAsked) {
      const { id } = channel;
      channel.isAsked = false;
      channel.answeredAt = Date.now();
      return this.#owner.message({ ...message, id }, this);
    }
    const said = { channel: message.channel };
    const isLost = message.reason || (!recovered && offset - channel.history > before);
    if (isLost) this.#owner.message({ type: "gap", ...said, epoch, offset, reload_after_ms }, this);
    if (presence) this.#owner.message({ type: "presence", ...said, ...presence }, this);
  }

  /**
   * @param {Run} run
   * @param {Message} message
   */
  #refused(run, message) {
    const name = /** @type {string} */ (run.names[message.id]);
    const channel = this.channels.get(name);
    if (!channel) return;
    if (!channel.isAsked && PASSING.includes(message.code)) return this.restart(AGAIN_MS);
    this.channels.delete(name);
    if (channel.isAsked) this.#owner.message({ ...message, id: channel.id }, this);
    else this.#owner.message({ type: "unsubscribed", channel: name, reason: "grant" }, this);
  }

  /** @param {Message} message */
  #bye({ reason, retry_after_ms = 0, code }) {
    const run = /** @type {Run} */ (this.#current);
    this.#current = null;
    run.abort.abort();
    if (code) this.#owner.end(code, reason);
    else this.restart(retry_after_ms);
  }

  /** @param {Run} run */
  #ended(run) {
    if (run === this.#current) this.#current = null;
    if (run === this.#next) this.#next = null;
    if (this.#current || this.#next) return this.#next || this.restart(AGAIN_MS);
    if (!run.spokeAt) return this.#owner.end(1006, "");
    // A proxy ends long answers, a gateway was replaced.
    this.#short = Date.now() - run.spokeAt < SHORT_MS ? this.#short + 1 : 0;
    return this.restart(Math.random() * Math.min(AGAIN_MS * 2 ** this.#short, SHORT_MS));
  }
}
