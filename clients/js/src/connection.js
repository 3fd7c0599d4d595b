/** The socket, the timer and the token function of one connection, worked as its link says. */

import { Inbox } from "./inbox.js";
import { INBOX_MAX, PULSE_MS } from "./limits.js";
import { NEVER } from "./link.js";
import { decode, encode } from "./protocol.js";
import { GARBAGE, OVERFLOW } from "./status.js";
import { askToken } from "./token.js";

/**
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
 * @typedef {import("./protocol.js").ClientMessage} ClientMessage
 *
 * @typedef {{send(text: string): void, close(): void, onopen?: any, onmessage?: any, onclose?: any,
 *   onerror?: any, readyState?: number,
 *   transport?: import("./river.js").TransportName}} Socket
 * @typedef {(new (url: string) => Socket) & {isShared?: boolean}} SocketClass `isShared`: it finds its
 *   own way to the server
 * @typedef {{url: string, token?: import("./token.js").TokenSource, route: import("./route.js").Route,
 *   unknown: object}} Where without `token` for a guest; `unknown`: options that do not exist
 * @typedef {{code: number, reason?: string}} Close
 * @typedef {{socket: Socket, data?: unknown, close?: Close}} Arrival a message, or the end
 */

/** Keeps one connection to the server for as long as the application wants it. */
export class Connection {
  /** Whether the socket is open and the token was sent. */
  isOpen = false;
  /** @type {boolean | undefined} whether channels were asked for elsewhere, which its server has still */
  moved;
  /** @type {import("./subscription.js").Subscription | null} the channel whose past may come next */
  replaying = null;
  /** @type {import("./protocol.js").Welcome | undefined} what the server said first */
  welcome;
  link;

  #where;
  #platform;
  #transport;
  #hub;
  #inbox;
  /** @type {Socket | undefined} */
  #socket;
  /** @type {unknown} */
  #timer;
  #armedFor = NEVER;
  /** @type {(() => void) | undefined} */
  #unwatch;

  /**
   * @param {import("./link.js").Link} link
   * @param {import("./transport.js").Transport} transport
   * @param {import("./hub.js").Hub} hub
   */
  constructor(link, transport, hub) {
    this.link = link;
    this.#transport = transport;
    this.#hub = hub;
    this.#where = /** @type {Where} */ (hub.where);
    this.#platform = hub.platform;
    this.#inbox = new Inbox(
      (/** @type {Arrival} */ arrival) => this.#handle(arrival),
      hub.platform,
    );
  }

  /** @returns {import("./status.js").Status} */
  get status() {
    return this.link.status;
  }

  /** How its socket reaches the server. */
  get transport() {
    return this.#socket?.transport;
  }

  /** Start; without effect when it has been started. */
  open() {
    this.#unwatch ??= this.#platform.watch((signal) =>
      this.#do(this.link[signal](this.#platform.now())),
    );
    this.#do(this.link.connect(this.#platform.now()));
  }

  /** End, until `open` is called again. */
  close() {
    this.#do(this.link.stop("closed by the application"));
  }

  /**
   * Send a message on the open socket; call only between `opened` and `lost`.
   *
   * @param {ClientMessage} message
   * @param {string} [text] the same, encoded
   */
  send(message, text = encode(message)) {
    const { token: _, resume_session: __, ...shown } = message;
    this.#hub.trace?.("river sent", shown);
    this.#socket?.send(text);
  }

  /** @param {ClientMessage} message */
  #sendOwn(message) {
    if (message.type !== "auth") return this.send(message);
    const own = this.isOpen ? null : this.#hub.userPosition(this);
    return this.send({ ...message, resume_session: this.#hub.secret, ...own });
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
    else if (effect.do === "send") this.#sendOwn(effect.message);
    else if (effect.do === "close") this.#closeSocket();
    else if (effect.do === "move") this.#transport.move(this);
    else this.#report(effect.status);
  }

  /** @param {import("./status.js").Status} status */
  #report(status) {
    if (status.state === "closed") {
      this.#unwatch?.();
      this.#unwatch = undefined;
    }
    this.#transport.changed(status, this);
  }

  /** @param {number} ask */
  #askToken(ask) {
    askToken(/** @type {any} */ (this.#where.token), this.#platform).then(
      (token) => this.#do(this.link.gotToken(ask, token, this.#platform.now())),
      (error) => this.#do(this.link.noToken(ask, error, this.#platform.now())),
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
      return this.#where.route.newSocket();
    } catch (error) {
      // A page may be forbidden to open this address, by its content security policy for one.
      this.link.refused(/** @type {Error} */ (error));
      /** @type {Socket} */
      const none = { send() {}, close() {} };
      this.#platform.defer(() => none.onclose({ code: 1006 }));
      return none;
    }
  }

  #closeSocket() {
    const socket = this.#socket;
    const { state, code } = this.status;
    if (socket && state === "waiting") this.#where.route.lost(code, this.link.livedMs);
    this.#socket = undefined;
    this.isOpen = false;
    socket?.close();
    this.#hub.lost(this);
  }

  /** @param {Socket} socket */
  #opened(socket) {
    if (socket !== this.#socket) return;
    this.#do(this.link.opened(this.#platform.now()));
    this.isOpen = true;
    this.#hub.opened(this);
  }

  /** @param {Arrival} arrival */
  #arrived(arrival) {
    const { socket } = arrival;
    if (socket !== this.#socket) return;
    this.link.received(this.#platform.now());
    this.#inbox.push(arrival);
    if (this.#inbox.size <= INBOX_MAX) return;
    socket.onmessage = socket.onclose = () => {};
    socket.close();
    this.#inbox.push({ socket, close: OVERFLOW });
  }

  /** @param {Arrival} arrival */
  #handle({ socket, data, close }) {
    // What an abandoned socket has left behind comes again: nothing moves a position but its delivery.
    if (socket !== this.#socket) return;
    if (close) return this.#do(this.link.lost(close, this.#platform.now()));
    const message = decode(data);
    if (!message) return this.#do(this.link.lost(GARBAGE, this.#platform.now()));
    // First, because the user has to be known when the state is `connected`.
    this.#transport.arrived(message, this);
    // A callback may have closed the client.
    if (socket === this.#socket) this.#route(message);
  }

  /** @param {ServerMessage} message */
  #route(message) {
    const now = this.#platform.now();
    if (message.type === "welcome") this.#do(this.link.welcomed(now));
    else if (message.type === "bye") this.#do(this.link.bye(now, message.retry_after_ms));
    else if (message.type === "authenticated") {
      const { expires_at } = message;
      const remainingMs = expires_at && expires_at * 1000 - this.#platform.wallMs();
      this.#do(this.link.authenticated(remainingMs, now));
    }
  }

  /** Have `#tick` called in time. */
  #arm() {
    const now = this.#platform.now();
    const closed = this.status.state === "closed";
    const at = closed ? NEVER : Math.min(this.link.nextAt, now + PULSE_MS);
    if (!closed && this.#armedFor <= at) return;
    this.#platform.clearTimer(this.#timer);
    this.#armedFor = at;
    if (!closed) this.#timer = this.#platform.setTimer(() => this.#tick(), at - now);
  }

  #tick() {
    this.#armedFor = NEVER;
    const now = this.#platform.now();
    this.#do(this.link.tick(now));
    this.#transport.tick(now);
  }
}
