/** A socket that needs no WebSocket: streams or polls for what comes, requests for what goes. */

import { Feed } from "./feed.js";

/** So many streams, because HTTP/1.1 gives a page six connections. */
const FEEDS_MAX = 4;
const NAME = /^[\w=@,.;:|+/~!-]{1,164}$/;

/** @typedef {import("./feed.js").Message} Message */

/**
 * The address for HTTP of a WebSocket's.
 *
 * @param {string} url
 */
export function httpUrl(url) {
  return url.replace(/^ws/, "http").replace(/\/ws$/, "");
}

/** Speaks River's protocol with its client as a WebSocket would. */
export class HttpSocket {
  /** @type {any} */
  onopen = null;
  /** @type {any} */
  onmessage = null;
  /** @type {any} */
  onclose = null;
  /** @type {any} */
  onerror = null;
  /** Resolved when it is over. */
  ended;

  #url;
  #polls;
  #token = "";
  /** @type {unknown} the client's number of the question about its token */
  #authId;
  #isAuthAsked = false;
  #isGreeted = false;
  #isOver = false;
  /** @type {string | undefined} */
  #secret;
  /** @type {unknown[]} pings that wait for the server */
  #pings = [];
  /** Publishes go one after the other: two requests could overtake each other. */
  #published = Promise.resolve();
  /** @type {Feed[]} */
  #feeds = [];
  /** @type {() => void} */
  #resolve = () => {};

  /**
   * @param {string} url that of a WebSocket
   * @param {{polls?: boolean}} [options] polls: do not try a stream first
   */
  constructor(url, { polls = false } = {}) {
    this.#url = httpUrl(url);
    this.#polls = polls;
    this.ended = new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      this.#resolve = resolve;
    });
    this.#open();
  }

  /** @returns {"stream" | "poll"} */
  get transport() {
    return this.#feeds[0]?.isPolling ? "poll" : "stream";
  }

  /** As with a WebSocket: connecting, open, closed. */
  get readyState() {
    if (this.#isOver) return 3;
    return this.#feeds.length > 0 ? 1 : 0;
  }

  /** @param {string} text */
  send(text) {
    const { type, ...message } = JSON.parse(text);
    if (type === "auth") this.#authenticate(message);
    else if (type === "subscribe") this.#subscribe(message);
    else if (type === "unsubscribe") this.#unsubscribe(message);
    else if (type === "ping") this.#ping(message.id);
    else if (type === "publish")
      this.#published = this.#published.then(() => this.#ask(type, message));
    else this.#ask(type, message);
  }

  close() {
    this.#isOver = true;
    for (const feed of this.#feeds) feed.close();
    this.#resolve();
  }

  /** Ask the client to connect anew: there is something better now. */
  move() {
    this.#say({ type: "bye", reason: "websocket", retry_after_ms: 0 });
  }

  async #open() {
    try {
      // What a client has kept is sent when it is open: not before somebody is there.
      await fetch(`${this.#url}/healthz`, { mode: "no-cors", cache: "no-store" });
    } catch {
      return this.#end(1006, "");
    }
    if (this.#isOver) return;
    // Its first request goes out a little later: with what the client says now.
    this.#newFeed();
    this.onopen?.();
  }

  #newFeed() {
    const socket = this;
    const feed = new Feed({
      url: this.#url,
      polls: this.#polls,
      headers: () => this.#headers(),
      get secret() {
        return socket.#secret;
      },
      message: (message, from) => this.#heard(message, from),
      end: (code, reason, refusal) => this.#end(code, reason, refusal),
    });
    this.#feeds.push(feed);
    feed.restart();
    return feed;
  }

  /** @returns {Record<string, string>} */
  #headers() {
    return this.#token ? { authorization: `Bearer ${this.#token}` } : {};
  }

  /** @param {Message} message */
  #authenticate({ id, token, resume_session, user_position }) {
    this.#token = token;
    this.#authId = id;
    this.#isAuthAsked = true;
    this.#secret ??= resume_session;
    const first = /** @type {Feed} */ (this.#feeds[0]);
    if (user_position) first.own.position = user_position;
    for (const feed of this.#feeds) feed.restart();
  }

  /** @param {Message} question */
  #subscribe({ id, channel, epoch, offset, history = 0 }) {
    const error = (/** @type {string} */ code, /** @type {string} */ message) =>
      this.#later({ type: "error", id, code, message });
    if (!NAME.test(channel)) return error("channel_invalid", `${channel} is no name of a channel`);
    const room = this.#feeds.find((one) => one.channels.has(channel) || one.hasRoomFor(channel));
    if (!room && this.#feeds.length === FEEDS_MAX)
      return error("too_many_channels", "these are too many without a WebSocket");
    const feed = room ?? this.#newFeed();
    const position = epoch === undefined ? undefined : { epoch, offset };
    feed.channels.set(channel, { id, isAsked: true, position, history, answeredAt: 0 });
    return feed.restart();
  }

  /** @param {Message} question */
  #unsubscribe({ id, channel }) {
    const feed = this.#feeds.find(({ channels }) => channels.delete(channel));
    feed?.restart();
    this.#later({ type: "unsubscribed", id, channel });
  }

  /** @param {unknown} id */
  #ping(id) {
    if (this.#feeds.every(({ isAlive }) => isAlive)) return this.#later({ type: "pong", id });
    // Perhaps it sleeps no more, or something swallows what comes.
    this.#pings.push(id);
    for (const feed of this.#feeds) feed.restart(0);
  }

  /**
   * @param {string} type
   * @param {Message} message
   */
  async #ask(type, { id, ...message }) {
    const answered = { publish: "published" }[type] ?? type;
    try {
      const answer = await fetch(`${this.#url}/client/${type}`, {
        method: "POST",
        headers: { ...this.#headers(), "content-type": "application/json" },
        body: JSON.stringify(message),
      });
      const body = await answer.json();
      this.#say(answer.ok ? { type: answered, id, ...body } : { type: "error", ...body.error, id });
    } catch (error) {
      this.#say({ type: "error", id, code: "connection_lost", message: String(error) });
    }
  }

  /**
   * @param {Message} message
   * @param {Feed} from
   */
  #heard(message, from) {
    const isFirst = from === this.#feeds[0];
    const owner = this.#feeds.find(({ channels }) => channels.has(message.channel));
    for (const id of this.#pings.splice(0)) this.#say({ type: "pong", id });
    if (message.type === "welcome") {
      this.#secret ??= message.resume_session;
      if (!this.#isGreeted) this.#say(message);
      this.#isGreeted = true;
    } else if (message.type === "authenticated") {
      if (isFirst && this.#isAuthAsked) this.#say({ ...message, id: this.#authId });
      if (isFirst) this.#isAuthAsked = false;
    } else if (
      owner ? owner === from || message.id !== undefined : isFirst || message.id !== undefined
    )
      this.#say(message);
  }

  /**
   * @param {number} code
   * @param {string} reason
   * @param {Message} [refusal]
   */
  #end(code, reason, refusal) {
    if (this.#isOver) return;
    if (refusal) this.#say({ type: "error", id: this.#authId, ...refusal });
    this.close();
    this.onclose?.({ code, reason });
  }

  /** @param {Message} message the client takes no answer before it has asked */
  #later(message) {
    setTimeout(() => this.#say(message));
  }

  /** @param {Message} message */
  #say(message) {
    if (!this.#isOver) this.onmessage?.({ data: JSON.stringify(message) });
  }
}

/** The same without streams. */
export class PollSocket extends HttpSocket {
  /** @param {string} url */
  constructor(url) {
    super(url, { polls: true });
  }
}
