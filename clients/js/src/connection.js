/** The socket, the timer and the token function, worked as the link says. */

import { RiverError } from "./errors.js";
import { Inbox } from "./inbox.js";
import { INBOX_MAX, PULSE_MS } from "./limits.js";
import { Link, NEVER } from "./link.js";
import { sleeplessClock } from "./platform.js";
import { decode, encode, GARBAGE, OVERFLOW } from "./protocol.js";
import { askToken } from "./token.js";

/**
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
 * @typedef {import("./protocol.js").ClientMessage} ClientMessage
 * @typedef {import("./platform.js").Platform} Platform
 *
 * @typedef {object} Listener
 * @property {() => void} opened the token was sent: what is sent now follows it in the same round trip
 * @property {(message: ServerMessage) => void} message
 * @property {(status: import("./link.js").Status) => void} status
 * @property {() => void} lost nothing will be answered any more
 * @property {(now: number) => void} tick called every few seconds, unless closed
 * @property {(message: object) => void} sent what was sent, without tokens
 *
 * @typedef {{send(text: string): void, close(): void, onopen?: any, onmessage?: any, onclose?: any,
 *   onerror?: any}} Socket
 * @typedef {new (url: string) => Socket} SocketClass
 * @typedef {{url: string, token: import("./token.js").TokenSource, WebSocket: SocketClass}} Where
 * @typedef {{code: number, reason?: string}} Close
 * @typedef {{socket: Socket, data?: unknown, close?: Close}} Arrival a message, or the end
 */

/** Keeps one connection to the server for as long as the application wants it. */
export class Connection {
  #link;
  #where;
  #platform;
  #listener;
  #clock;
  #inbox;
  /** @type {Socket | undefined} */
  #socket;
  /** @type {unknown} */
  #timer;
  #armedFor = NEVER;
  /** @type {(() => void) | undefined} */
  #unwatch;

  /**
   * @param {Where} where
   * @param {Platform} platform
   * @param {Listener} listener
   */
  constructor(where, platform, listener) {
    this.#where = where;
    this.#platform = platform;
    this.#listener = listener;
    this.#clock = sleeplessClock(platform);
    this.#link = new Link({
      renewable: typeof where.token === "function",
      random: platform.random,
    });
    this.#inbox = new Inbox((/** @type {Arrival} */ arrival) => this.#handle(arrival), platform);
  }

  /** @returns {import("./link.js").Status} */
  get status() {
    return this.#link.status;
  }

  /** Time for deadlines, in milliseconds from some point. */
  now() {
    return this.#clock();
  }

  /** Start; without effect when it has been started. */
  open() {
    this.#unwatch ??= this.#platform.watch((signal) => this.#do(this.#link[signal](this.#clock())));
    this.#do(this.#link.connect(this.#clock()));
  }

  /** End, until `open` is called again. */
  close() {
    this.#do(this.#link.stop("closed by the application"));
  }

  /**
   * Send a message on the open socket; call only between `opened` and `lost`.
   *
   * @param {ClientMessage} message
   */
  send(message) {
    const { token: _, ...shown } = message;
    this.#listener.sent(shown);
    this.#socket?.send(encode(message));
  }

  /** @param {import("./link.js").Effect[]} effects */
  #do(effects) {
    for (const effect of effects) this.#carryOut(effect);
    this.#arm();
  }

  /** @param {import("./link.js").Effect} effect */
  #carryOut(effect) {
    if (effect.do === "ask") this.#askToken(effect.ask);
    else if (effect.do === "open") this.#openSocket();
    else if (effect.do === "send") this.send(effect.message);
    else if (effect.do === "close") this.#closeSocket();
    else this.#tell(effect.status);
  }

  /** @param {import("./link.js").Status} status */
  #tell(status) {
    if (status.state === "closed") {
      this.#unwatch?.();
      this.#unwatch = undefined;
    }
    this.#listener.status(status);
  }

  /** @param {number} ask */
  #askToken(ask) {
    askToken(this.#where.token, this.#platform).then(
      (token) => this.#do(this.#link.gotToken(ask, token, this.#clock())),
      (error) => this.#do(this.#link.noToken(ask, error, this.#clock())),
    );
  }

  #openSocket() {
    const socket = this.#newSocket();
    this.#socket = socket;
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = (/** @type {{data: unknown}} */ { data }) => this.#arrived({ socket, data });
    socket.onclose = (/** @type {Close} */ close) => this.#arrived({ socket, close });
    // The close event that follows says the same; some WebSocket classes want an error handler.
    socket.onerror = () => {};
  }

  /** @returns {Socket} */
  #newSocket() {
    try {
      return new this.#where.WebSocket(this.#where.url);
    } catch (error) {
      // A page may be forbidden to open this address, by its content security policy for one.
      this.#link.refused(/** @type {Error} */ (error));
      /** @type {Socket} */
      const none = { send() {}, close() {} };
      this.#platform.defer(() => none.onclose({ code: 1006 }));
      return none;
    }
  }

  #closeSocket() {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    this.#listener.lost();
  }

  /** @param {Socket} socket */
  #opened(socket) {
    if (socket !== this.#socket) return;
    this.#do(this.#link.opened(this.#clock()));
    this.#listener.opened();
  }

  /** @param {Arrival} arrival */
  #arrived(arrival) {
    if (arrival.socket !== this.#socket) return;
    this.#link.heard(this.#clock());
    this.#inbox.push(arrival);
    if (this.#inbox.size > INBOX_MAX) this.#overflow();
  }

  #overflow() {
    const socket = /** @type {Socket} */ (this.#socket);
    socket.onmessage = socket.onclose = () => {};
    socket.close();
    this.#inbox.push({ socket, close: { code: OVERFLOW } });
  }

  /** @param {Arrival} arrival */
  #handle({ socket, data, close }) {
    // What an abandoned socket has left behind comes again: nothing moves a position but its delivery.
    if (socket !== this.#socket) return;
    if (close) return this.#do(this.#link.lost(close, this.#clock()));
    const message = decode(data);
    if (message) this.#route(message);
    else this.#do(this.#link.lost({ code: GARBAGE }, this.#clock()));
  }

  /** @param {ServerMessage} message */
  #route(message) {
    // Told first, because those who hear that it is connected want to know the user.
    this.#listener.message(message);
    if (message.type === "authenticated") this.#authenticated(message);
    else if (message.type === "bye") this.#bye(message.retry_after_ms);
    else if (message.type === "error" && (message.id ?? "auth") === "auth") {
      this.#link.refused(new RiverError(message.code, message.message));
    }
  }

  /** @param {import("./protocol.js").Authenticated} message */
  #authenticated({ expires_at }) {
    const remainingMs = expires_at && expires_at * 1000 - this.#platform.wallMs();
    this.#do(this.#link.authenticated(remainingMs, this.#clock()));
  }

  /** @param {number} [retryAfterMs] */
  #bye(retryAfterMs = 0) {
    this.#link.bye(retryAfterMs, this.#clock());
    this.#arm();
  }

  /** Have `#tick` called in time. */
  #arm() {
    const now = this.#clock();
    const closed = this.status.state === "closed";
    const at = closed ? NEVER : Math.min(this.#link.nextAt, now + PULSE_MS);
    if (!closed && this.#armedFor <= at) return;
    this.#platform.clearTimer(this.#timer);
    this.#armedFor = at;
    if (!closed) this.#timer = this.#platform.setTimer(() => this.#tick(), at - now);
  }

  #tick() {
    this.#armedFor = NEVER;
    const now = this.#clock();
    this.#do(this.#link.tick(now));
    this.#listener.tick(now);
  }
}
