/** Questions to the server that are not answered yet. */

import { RiverError } from "./errors.js";
import { ANSWER_MS, MESSAGE_BYTES_MAX } from "./limits.js";
import { encode } from "./protocol.js";

/**
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
 * @typedef {import("./protocol.js").ClientMessage} ClientMessage
 * @typedef {{send: (message: ClientMessage, text: string) => void}} Connection
 *
 * @typedef {object} Request
 * @property {ClientMessage & {id: number}} message
 * @property {(answer: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {Connection} [connection] where the answer comes from; none while it waits to be sent
 * @property {number} [dueAt]
 */

/** Matches answers with questions by their `id`; ids are never used twice. */
export class Requests {
  /** How long a message may be. */
  bytesMax = MESSAGE_BYTES_MAX;

  #lastId = 0;
  /** @type {Map<number | undefined, Request>} */
  #pending = new Map();
  #now;

  /** @param {() => number} now */
  constructor(now) {
    this.#now = now;
  }

  /** An id that no message had before. */
  nextId() {
    return ++this.#lastId;
  }

  /**
   * Ask, now or when the next connection is there.
   *
   * @param {ClientMessage} message without id
   * @param {Connection | undefined} connection
   * @param {number} [waitingMax] how many may wait for a connection
   * @returns {Promise<any>} the answer; rejected with the server's code; with `too_large` or `queue_full`
   *   when it was not sent; with `timeout` after 10 s, or `connection_lost`, when nobody knows whether it
   *   was carried out
   */
  ask(message, connection, waitingMax = 0) {
    return new Promise((resolve, reject) => {
      const request = { message: { ...message, id: this.nextId() }, resolve, reject };
      if (connection) this.#send(request, connection);
      else if (this.#of(undefined).length < waitingMax) this.#enter(request);
      else reject(new RiverError("queue_full", `${waitingMax} wait`));
    });
  }

  /**
   * Send what has waited.
   *
   * @param {Connection} connection
   */
  flush(connection) {
    for (const request of this.#of(undefined)) this.#send(request, connection);
  }

  /**
   * Whether an answer is awaited there.
   *
   * @param {Connection} connection
   */
  isAwaited(connection) {
    return this.#of(connection).length > 0;
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
   */
  expire(now) {
    const late = this.#all().filter(({ dueAt = Infinity }) => now >= dueAt);
    this.#fail(late, "timeout", "timeout");
  }

  /**
   * Give up what was sent over a connection.
   *
   * @param {Connection} connection
   */
  lost(connection) {
    this.#fail(this.#of(connection), "connection_lost", "the connection was lost");
  }

  /**
   * Give up what waits to be sent.
   *
   * @param {string} words
   */
  discard(words) {
    this.#fail(this.#of(undefined), "disconnected", words);
  }

  #all() {
    return [...this.#pending.values()];
  }

  /** @param {Connection | undefined} sought */
  #of(sought) {
    return this.#all().filter(({ connection }) => connection === sought);
  }

  /** @param {Request} request */
  #enter(request) {
    this.#pending.set(request.message.id, request);
  }

  /**
   * @param {Request[]} requests
   * @param {string} code
   * @param {string} words
   */
  #fail(requests, code, words) {
    for (const { message } of requests)
      this.settle(message.id, new RiverError(code, `no answer to ${message.type}: ${words}`));
  }

  /**
   * @param {Request} request
   * @param {Connection} connection
   */
  #send(request, connection) {
    const { message } = request;
    this.#enter({ ...request, connection, dueAt: this.#now() + ANSWER_MS });
    try {
      const text = encode(message);
      const bytes = text.length * 3 > this.bytesMax ? new Blob([text]).size : 0;
      // The server would close the connection for a longer one.
      if (bytes > this.bytesMax)
        throw new RiverError("too_large", `${bytes} bytes, the server takes ${this.bytesMax}`);
      connection.send(message, text);
    } catch (error) {
      // JSON cannot say everything.
      this.settle(message.id, /** @type {Error} */ (error));
    }
  }
}
