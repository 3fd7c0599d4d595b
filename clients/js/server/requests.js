/** Requests to the publish API, sent again until they are answered or the deadline is over. */

import { setTimeout as sleep } from "node:timers/promises";
import { RiverError } from "./error.js";
import { passes, pauseMs, retryAfterMs } from "./retry.js";

/**
 * @typedef {object} Transport
 * @property {string} url of the publish API, without a slash at the end
 * @property {string} key
 * @property {number} timeoutMs how long one attempt may take
 * @property {number} deadlineMs no attempt begins later than this after the first
 * @property {typeof globalThis.fetch} fetch
 * @property {() => number} random
 *
 * @typedef {{method: "GET" | "POST" | "DELETE", path: string, body?: string}} Question
 * @typedef {{status: number, afterMs: number, body: any, location: string | null}} Answer
 */

/** What only a gateway serves. */
const GATEWAY_FILE = "/client/river.js";

/** Asks the publish API. Only what does no harm when it arrives twice may be asked. */
export class Requests {
  #transport;

  /** @param {Transport} transport */
  constructor(transport) {
    this.#transport = transport;
  }

  /**
   * Ask until there is an answer.
   *
   * @param {Question} question
   * @param {(body: any) => RiverError | null} [flaw] an error in an answer of 200
   * @returns {Promise<any>} the body; rejected with the last attempt's error
   */
  async ask(question, flaw = () => null) {
    const { deadlineMs, random } = this.#transport;
    const end = performance.now() + deadlineMs;
    // An attempt that got no clear answer may have been carried out, whatever the next one says.
    let uncertain = false;
    for (let attempt = 0; ; attempt++) {
      const { error, body, afterMs } = await this.#attempt(question, flaw);
      if (!error) return body;
      uncertain ||= error.uncertain;
      error.uncertain = uncertain;
      const waitMs = pauseMs(attempt, afterMs, random);
      if (!passes(error) || performance.now() + waitMs > end)
        throw (await this.#wrongPort(error)) ?? error;
      await sleep(waitMs);
    }
  }

  /**
   * @param {Question} question
   * @param {(body: any) => RiverError | null} flaw
   * @returns {Promise<{error?: RiverError | null, body?: unknown, afterMs: number}>}
   */
  async #attempt(question, flaw) {
    try {
      const { status, body, afterMs, location } = await this.#send(question);
      if (status !== 200) return { error: this.#refusal(status, body, location), afterMs };
      if (body !== undefined) return { body, error: flaw(body), afterMs };
      return { error: this.#stranger("200 and no JSON", status), afterMs };
    } catch (cause) {
      return { error: this.#unanswered(cause), afterMs: 0 };
    }
  }

  /**
   * @param {Question} question
   * @returns {Promise<Answer>}
   */
  async #send({ method, path, body }) {
    const { url, key, timeoutMs, fetch } = this.#transport;
    /** @type {Record<string, string>} */
    const headers = { "x-api-key": key };
    if (body !== undefined) headers["content-type"] = "application/json";
    const signal = AbortSignal.timeout(timeoutMs);
    // Who follows a redirect would carry the key elsewhere, and lose the body on the way.
    const given = { method, headers, signal, redirect: /** @type {const} */ ("manual") };
    const response = await fetch(url + path, body === undefined ? given : { ...given, body });
    return {
      status: response.status,
      afterMs: retryAfterMs(response.headers.get("retry-after")),
      location: response.headers.get("location"),
      // Read to the end in any case: only then is the connection free for the next request.
      body: parsed(await response.text()),
    };
  }

  /**
   * The error that says so if it is a gateway that answered. It is asked without the key.
   *
   * @param {RiverError} error
   */
  async #wrongPort({ code, status = 0 }) {
    if (code !== "unexpected_answer" || status >= 500) return null;
    const { url, timeoutMs, fetch } = this.#transport;
    const signal = AbortSignal.timeout(timeoutMs);
    const { headers } = await fetch(url + GATEWAY_FILE, {
      method: "HEAD",
      signal,
      redirect: "manual",
    }).catch(() => new Response());
    const [type, location] = [headers.get("content-type"), headers.get("location")];
    if (!type?.includes("javascript") && !location?.includes("/client/river")) return null;
    const cure = "the publish API has a port of its own (RIVER_API_PORT, 8001 by default)";
    return new RiverError(code, `${url} is River's gateway, for WebSockets: ${cure}`, { status });
  }

  /**
   * @param {number} status
   * @param {any} body
   * @param {string | null} location
   */
  #refusal(status, body, location) {
    const { code, message } = body?.error ?? {};
    // Of these the server says that nothing was done; of the others of 500 and more nobody knows.
    const uncertain = status >= 500 && status !== 503;
    if (typeof code === "string")
      return new RiverError(code, String(message), { status, uncertain });
    return this.#stranger(location ? `a redirect to ${location}` : `${status}`, status);
  }

  /**
   * @param {string} what
   * @param {number} status
   */
  #stranger(what, status) {
    const words = `${this.#transport.url} is not River's publish API: it answered ${what}`;
    const uncertain = status === 200 || status >= 500;
    return new RiverError("unexpected_answer", words, { status, uncertain });
  }

  /** @param {unknown} thrown */
  #unanswered(thrown) {
    const { url, timeoutMs } = this.#transport;
    const { name, cause } = /** @type {Error} */ (thrown);
    if (name === "TimeoutError") {
      const words = `${url} did not answer in ${timeoutMs} ms`;
      return new RiverError("timeout", words, { uncertain: true, cause: thrown });
    }
    const { code, message } = /** @type {{code?: string, message?: string}} */ (cause ?? thrown);
    const uncertain = !UNSENT.has(code ?? "");
    const words = `${url} cannot be reached: ${message || code}`;
    return new RiverError("unreachable", words, { uncertain, cause: thrown });
  }
}

/** With these there was no connection that anything could have been sent on. */
const UNSENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
