/** The connection in use, and the one to another server while the client moves. */

import { Connection } from "./connection.js";
import { Link } from "./link.js";

/**
 * @typedef {import("./hub.js").Hub} Hub
 * @typedef {import("./status.js").Status} Status
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
 */

/**
 * Makes before it breaks: when a server asks its clients to go (`bye`), another connection is opened, all
 * channels are subscribed on it, and only then is the old one closed.
 *
 *     current   connected ----- bye ------------------------ free: closed
 *     next                       | opened, subscribed, connected | becomes the current one
 *
 * When the current one is lost before that, the next one takes over as far as it has come.
 */
export class Transport {
  #hub;
  #current;
  /** @type {Connection | null} */
  #next = null;

  /** @param {Hub} hub knows where the server is */
  constructor(hub) {
    this.#hub = hub;
    const token = hub.where?.token;
    const renewable = typeof token === "function";
    const { random } = hub.platform;
    this.#current = this.#connection(new Link({ renewable, guest: !token, random }));
  }

  get status() {
    return this.#current.status;
  }

  /** Where a question is answered. */
  get current() {
    return this.#next?.link.isConnected ? this.#next : this.#current;
  }

  /** Those that take messages; the last one is where a channel is subscribed. */
  get open() {
    const all = [this.#current, this.#next];
    return /** @type {Connection[]} */ (all.filter((connection) => connection?.isOpen));
  }

  /** Start; without effect when it has been started. */
  connect() {
    this.#current.open();
  }

  /** End, until `connect` is called again. */
  disconnect() {
    this.#drop();
    this.#current.close();
  }

  /** @param {Link} link */
  #connection(link) {
    return new Connection(link, this, this.#hub);
  }

  /**
   * A message arrived.
   *
   * @param {ServerMessage} message
   * @param {Connection} connection
   */
  arrived(message, connection) {
    this.#hub.arrived(message, connection);
    this.#finish();
  }

  /**
   * Called every few seconds, unless closed.
   *
   * @param {number} now
   */
  tick(now) {
    this.#hub.tick(now);
    this.#finish();
  }

  /**
   * A connection has another status.
   *
   * @param {Status} status
   * @param {Connection} connection
   */
  changed(status, connection) {
    const next = this.#next;
    if (connection === next) {
      // Refused for good: the current one serves on, and will find out for itself.
      if (status.state === "closed") this.#next = null;
      return this.#finish();
    }
    if (connection !== this.#current) return;
    if (next && next.status.state !== "waiting" && status.state === "waiting")
      return this.#switch(next);
    // One that failed while this one served has backed off: the outage begins only now.
    this.#drop();
    this.#hub.changed(status);
  }

  /**
   * The server is about to stop: another connection is needed.
   *
   * @param {Connection} from which was asked to go
   */
  move(from) {
    from.moved = true;
    this.#drop();
    this.#next = this.#connection(from.link.successor());
    this.#next.open();
  }

  #finish() {
    const next = this.#next;
    if (next?.link.isConnected && this.#hub.isFree(this.#current)) this.#switch(next);
  }

  /** @param {Connection} next */
  #switch(next) {
    const old = this.#current;
    this.#current = next;
    this.#next = null;
    const moved = old.link.isConnected && next.link.isConnected;
    old.close();
    if (!moved) this.#hub.changed(next.status);
  }

  #drop() {
    const next = this.#next;
    this.#next = null;
    next?.close();
  }
}
