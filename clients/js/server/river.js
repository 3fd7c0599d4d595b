/** River's publish API, as a back end holds it. */

import { randomUUID } from "node:crypto";
import { invalid, RiverError } from "./error.js";
import { passes } from "./patience.js";
import { Requests } from "./requests.js";
import { checkSecret, checkWanted, signed } from "./token.js";

export { RiverError };

/**
 * @typedef {import("../src/protocol.js").Position} Position
 * @typedef {import("../src/protocol.js").Publication} Publication
 * @typedef {import("../src/protocol.js").Member} Member
 * @typedef {import("./token.js").Wanted} Wanted
 *
 * @typedef {object} Options
 * @property {string} url where the publish API is: `http://127.0.0.1:8001`
 * @property {string} key one of RIVER_API_KEYS
 * @property {string} [secret] the first of RIVER_SECRETS. With it tokens are signed on the spot, without
 *   it the publish API is asked for them
 * @property {string} [issuer] what signed tokens say, where RIVER_JWT_ISSUER is set
 * @property {string} [audience] what signed tokens say, where RIVER_JWT_AUDIENCE is set
 * @property {number} [timeoutMs] how long one attempt may take, 5,000 unless told
 * @property {number} [patienceMs] how long attempts are made again, 15,000 unless told; with 0 there is
 *   only one
 * @property {typeof globalThis.fetch} [fetch] another function to make requests with
 *
 * @typedef {object} Message one entry of a batch
 * @property {string} [channel]
 * @property {string[]} [channels] several instead of one
 * @property {string} event
 * @property {unknown} [data] anything that JSON can say
 * @property {string} [id] the idempotency key; without it the library makes one
 *
 * @typedef {Position | {error: RiverError}} Result what became of one publication
 * @typedef {{subscribers: number, users?: number}} Counts how many connections hear a channel, and for a
 *   presence channel of how many users
 */

const TIMEOUT_MS = 5_000;
const PATIENCE_MS = 15_000;

/** Publishes, looks at channels, and makes tokens. Keep one: it keeps its connections. */
export class River {
  #requests;
  /** @type {import("./token.js").Signature | null} */
  #signature;

  /**
   * @param {Options} options
   * @throws {RiverError} `option_invalid`
   */
  constructor({ url, key, secret, issuer, audience, ...more }) {
    const { timeoutMs = TIMEOUT_MS, patienceMs = PATIENCE_MS, fetch = globalThis.fetch } = more;
    const where = { url: address(url), key: checkKey(key) };
    this.#requests = new Requests({ ...where, timeoutMs, patienceMs, fetch, random: Math.random });
    // Not given is one thing, given as an empty environment variable another.
    this.#signature =
      secret === undefined ? null : { secret: checkSecret(secret), issuer, audience };
  }

  /**
   * Publish an event; it is published once, however often it has to be sent.
   *
   * Events that are published without awaiting the one before may arrive in another order.
   *
   * @template {string | string[]} C
   * @param {C} channel one, or up to 100
   * @param {string} event
   * @param {unknown} [data] anything that JSON can say
   * @param {{id?: string}} [options] `id`: your own idempotency key. A second publish with it in the same
   *   channel, within ten minutes, is not published again, but answered with the first one's position
   * @returns {Promise<C extends string[] ? Position[] : Position>} where it stands in the channel, or in
   *   each of them. From then on it reaches everyone who is connected or comes back in time
   */
  async publish(channel, event, data = null, { id = randomUUID() } = {}) {
    const where = Array.isArray(channel) ? { channels: channel } : { channel };
    const body = JSON.stringify({ ...where, event, data, id });
    try {
      const flaw = (/** @type {any} */ { results }) => firstFlaw(results, () => true);
      const answer = await this.#requests.ask({ method: "POST", path: "/publish", body }, flaw);
      return answer.results ?? answer;
    } catch (error) {
      if (error instanceof RiverError) error.id = id;
      throw error;
    }
  }

  /**
   * Publish up to 1,000 events in order, with one request.
   *
   * A bad one is an error in its place and stops none of the others. When the server could not take some
   * of them the batch is sent again; those come after the others then.
   *
   * @param {Message[]} messages
   * @returns {Promise<(Result | {results: Result[]})[]>} what became of each, in their order; `results` of
   *   those with several channels. Rejected when none was taken
   */
  async publishBatch(messages) {
    const named = messages.map(({ id = randomUUID(), data = null, ...message }) => ({
      ...message,
      data,
      id,
    }));
    const question = { path: "/publish/batch", body: JSON.stringify({ messages: named }) };
    /** @type {any} what the last answer said, should patience end with some of them not taken */
    let last;
    const flaw = (/** @type {any} */ body) => {
      last = body;
      return firstFlaw(body.results, passes);
    };
    const answer = await this.#requests
      .ask({ method: "POST", ...question }, flaw)
      .catch((error) => {
        if (!last) throw error;
        return last;
      });
    return answer.results.map((/** @type {any} */ result, /** @type {number} */ index) =>
      told(result, named[index]?.id),
    );
  }

  /**
   * The channels that anybody hears.
   *
   * @param {string} [prefix] how their names begin
   * @returns {Promise<Record<string, Counts>>}
   */
  async channels(prefix = "") {
    return (await this.#get("/channels", { prefix: prefix || undefined })).channels;
  }

  /**
   * How many hear a channel, and where its log stands.
   *
   * @param {string} name
   * @returns {Promise<{channel: string} & Counts & Position>}
   */
  channel(name) {
    return this.#get(`/channels/${encodeURIComponent(name)}`);
  }

  /**
   * What was published in a channel.
   *
   * @param {string} channel
   * @param {{after?: Position, limit?: number}} [options] `after`: those that follow this position,
   *   without it the last ones; `limit`: at most so many, 100 unless told
   * @returns {Promise<Position & {publications: Publication[]}>} oldest first, and where the log stands;
   *   rejected with `unrecoverable` when the log does not reach back to `after`
   */
  async history(channel, { after, limit } = {}) {
    const query = { epoch: after?.epoch, offset: after?.offset, limit };
    const path = `/channels/${encodeURIComponent(channel)}/history`;
    const { epoch, offset, publications } = await this.#get(path, query);
    return { epoch, offset, publications };
  }

  /**
   * Who is on a channel, for channels whose name begins with `presence-`.
   *
   * @param {string} channel
   * @returns {Promise<{count: number, members: Member[]}>} all of them
   */
  async presence(channel) {
    const path = `/channels/${encodeURIComponent(channel)}/presence`;
    const { count, members } = await this.#get(path);
    return { count, members };
  }

  /**
   * Close all connections of a user, on every node. Their clients do not come back by themselves.
   *
   * @param {string} user
   * @returns {Promise<void>}
   */
  async disconnect(user) {
    const path = `/users/${encodeURIComponent(user)}/disconnect`;
    await this.#requests.ask({ method: "POST", path });
  }

  /**
   * A token for a user whom your back end knows.
   *
   * @param {Wanted} wanted
   * @returns {Promise<string>}
   */
  async token(wanted) {
    const { user, ttl, subscribe, publish, info } = checkWanted(wanted);
    if (this.#signature) return signed({ ...wanted, ttl }, this.#signature, Date.now());
    const body = JSON.stringify({ user, ttl_s: ttl, subscribe, publish, info });
    return (await this.#requests.ask({ method: "POST", path: "/tokens", body })).token;
  }

  /**
   * @param {string} path
   * @param {Record<string, string | number | undefined>} [query]
   */
  #get(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    return this.#requests.ask({ method: "GET", path: text.size ? `${path}?${text}` : path });
  }
}

/** @param {string} url */
function address(url) {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed && /^https?:$/.test(parsed.protocol))
    return parsed.origin + parsed.pathname.replace(/\/+$/, "");
  throw invalid(`url: "${url}" is not the address of a publish API, such as http://127.0.0.1:8001`);
}

/** @param {string} key */
function checkKey(key) {
  if (typeof key === "string" && /^[\x21-\x7e]+$/.test(key)) return key;
  throw invalid("key: one of RIVER_API_KEYS");
}

/**
 * The first error among results that matters.
 *
 * @param {any[] | undefined} results as the server gave them
 * @param {(error: RiverError) => boolean} matters
 * @returns {RiverError | null}
 */
function firstFlaw(results, matters) {
  for (const { error, results: inner } of results ?? []) {
    const flaw = error ? new RiverError(error.code, error.message) : firstFlaw(inner, matters);
    if (flaw && matters(flaw)) return flaw;
  }
  return null;
}

/**
 * @param {any} result as the server gave it
 * @param {string} [id]
 * @returns {any}
 */
function told({ error, results, ...position }, id) {
  if (error) return { error: new RiverError(error.code, error.message, { id }) };
  return results ? { results: results.map((/** @type {any} */ one) => told(one, id)) } : position;
}
