/** Questions to the server that are not answered yet. */

import { RiverError } from "./errors.js";
import { ANSWER_MS } from "./limits.js";

/**
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
 * @typedef {import("./protocol.js").ClientMessage} ClientMessage
 * @typedef {{message: ClientMessage, resolve: (answer: any) => void,
 *   reject: (error: Error) => void}} Request
 */

/** Matches answers with questions by their `id`; ids are never used twice. */
export class Requests {
  #lastId = 0;
  /** @type {Map<number | undefined, Request & {dueAt: number}>} */
  #pending = new Map();
  /** @type {Request[]} */
  #queue = [];
  #connection;

  /** @param {{send: (message: ClientMessage) => void, now: () => number}} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /** An id that no message had before. */
  nextId() {
    return ++this.#lastId;
  }

  /**
   * Ask now.
   *
   * @param {ClientMessage} message without id
   * @returns {Promise<any>} the answer; rejected with the server's code, `timeout` after 10 s, or
   *   `connection_lost`, when nobody knows whether it was carried out
   */
  ask(message) {
    return new Promise((resolve, reject) => this.#start({ message, resolve, reject }));
  }

  /**
   * Ask when the next connection is there.
   *
   * @param {ClientMessage} message without id
   * @param {number} max how many may wait
   * @returns {Promise<any>} as `ask`; rejected with `queue_full` when too many wait
   */
  askLater(message, max) {
    return new Promise((resolve, reject) => {
      if (this.#queue.length < max) this.#queue.push({ message, resolve, reject });
      else reject(new RiverError("queue_full", `${max} messages wait already`));
    });
  }

  /** Send what has waited. */
  flush() {
    for (const request of this.#queue.splice(0)) this.#start(request);
  }

  /**
   * @param {number | undefined} id
   * @param {ServerMessage | Error} answer
   */
  settle(id, answer) {
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    if (answer instanceof Error) request?.reject(answer);
    else request?.resolve(answer);
  }

  /**
   * Give up what should be answered by now.
   *
   * @param {number} now
   * @param {string} code
   * @param {string} words
   */
  expire(now, code, words) {
    for (const [id, { dueAt, message }] of this.#pending) {
      if (now < dueAt) continue;
      this.settle(id, new RiverError(code, `no answer to ${message.type}: ${words}`));
    }
  }

  /**
   * Give up what waits to be sent.
   *
   * @param {string} words
   */
  discard(words) {
    for (const { reject } of this.#queue.splice(0)) reject(new RiverError("disconnected", words));
  }

  /** @param {Request} request */
  #start(request) {
    const id = this.nextId();
    this.#pending.set(id, { ...request, dueAt: this.#connection.now() + ANSWER_MS });
    try {
      this.#connection.send({ ...request.message, id });
    } catch (error) {
      // JSON cannot say everything.
      this.settle(id, /** @type {Error} */ (error));
    }
  }
}
