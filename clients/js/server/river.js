/** River's publish API, as a back end holds it. */

import { randomUUID } from "node:crypto";
import { invalid, RiverError } from "./error.js";
import { checkNames } from "./options.js";
import { pathTo } from "./paths.js";
import { Requests } from "./requests.js";
import { passes } from "./retry.js";
import { checkSecret, checkWanted, signed } from "./token.js";

export { verifyWebhook } from "./webhooks.js";
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
 * @property {number} [timeoutMs] how long one attempt may take, 5,000 by default
 * @property {number} [deadlineMs] how long a request is sent again, 15,000 by default; with 0 it is sent
 *   once
 * @property {typeof globalThis.fetch} [fetch] another function to make requests with
 *
 * @typedef {object} Message one entry of a batch
 * @property {string} [channel]
 * @property {string[]} [channels] several instead of one
 * @property {string} event
 * @property {unknown} [data] anything that JSON can say
 * @property {string} [id] the idempotency key; without it the library makes one
 * @property {boolean} [keep] as in PublishOptions
 * @property {string} [exclude] as in PublishOptions
 *
 * @typedef {object} PublishOptions
 * @property {string} [id] your own idempotency key. A second publish with it in the same channel, within
 *   ten minutes, is not published again, but answered with the first one's position
 * @property {boolean} [keep] with `false` it goes to those who are connected now, and to no history; the
 *   answer has `after`, the offset that it follows, in place of `offset`
 * @property {string} [exclude] the session (from `welcome`) that does not get it
 *
 * @typedef {Position | {error: RiverError}} Result what became of one publication
 * @typedef {{subscribers: number, users?: number}} Counts how many connections subscribe to a channel, and
 *   for a presence channel of how many users
 */

const TIMEOUT_MS = 5_000;
const DEADLINE_MS = 15_000;

const OPTIONS = {
  of: "River",
  known: ["url", "key", "secret", "issuer", "audience", "timeoutMs", "deadlineMs", "fetch"],
  old: ["patienceMs"],
};
const PUBLISH_OPTIONS = { of: "publish", known: ["id", "keep", "exclude"], old: ["key"] };

/** Publishes, looks at channels, and makes tokens. Keep one: it keeps its connections. */
export class River {
  #requests;
  /** @type {import("./token.js").Signature | null} */
  #signature;

  /**
   * @param {Options} options
   * @throws {RiverError} `option_invalid`
   */
  constructor(options) {
    checkNames(options, OPTIONS);
    const { secret, issuer, audience, timeoutMs = TIMEOUT_MS, fetch = globalThis.fetch } = options;
    const { patienceMs = DEADLINE_MS } = /** @type {{patienceMs?: number}} */ (options);
    const { deadlineMs = patienceMs } = options;
    const target = { url: address(options.url), key: checkKey(options.key) };
    this.#requests = new Requests({ ...target, timeoutMs, deadlineMs, fetch, random: Math.random });
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
   * @param {PublishOptions} [options]
   * @returns {Promise<C extends string[] ? Position[] : Position>} its position in the channel, or in each
   *   of them. From then on it reaches everyone who is connected or comes back in time
   */
  async publish(channel, event, data = null, options = {}) {
    const target = Array.isArray(channel) ? { channels: channel } : { channel };
    return this.#publish("/publish", { ...target, event, data }, options);
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
    if (!Array.isArray(messages)) throw invalid("messages: an array, in the order to publish them");
    const named = messages.map(({ id = randomUUID(), data = null, ...message }) => ({
      ...message,
      data,
      id,
    }));
    const question = { path: "/publish/batch", body: json({ messages: named }) };
    /** @type {any} the last answer, should the deadline end with some of them not taken */
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
      resultOf(result, named[index]?.id),
    );
  }

  /**
   * The channels that have subscribers.
   *
   * @param {string} [prefix] how their names begin
   * @returns {Promise<Record<string, Counts>>} by their names `{ subscribers }`, for presence channels also `users`
   */
  async channels(prefix = "") {
    return (await this.#get(pathTo("/channels", {}, { prefix: prefix || undefined }))).channels;
  }

  /**
   * How many subscribers a channel has, and the position of its log's end.
   *
   * @param {string} name
   * @returns {Promise<{channel: string} & Counts & Position>}
   */
  async channel(name) {
    return this.#get(pathTo("/channels/:channel", { channel: name }));
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
  async history(channel, options = {}) {
    checkNames(options, { of: "history", known: ["after", "limit"] });
    const { after, limit } = options;
    const query = { epoch: after?.epoch, offset: after?.offset, limit };
    const path = pathTo("/channels/:channel/history", { channel }, query);
    const { epoch, offset, publications } = await this.#get(path);
    return { epoch, offset, publications };
  }

  /**
   * Who is on a channel, for channels whose name begins with `presence-`.
   *
   * @param {string} channel
   * @returns {Promise<{count: number, members: Member[]}>} all of them
   */
  async presence(channel) {
    const { count, members } = await this.#get(pathTo("/channels/:channel/presence", { channel }));
    return { count, members };
  }

  /**
   * Close all connections of a user, on every node. Their clients do not come back by themselves.
   *
   * @param {string} user
   * @returns {Promise<void>}
   */
  async disconnect(user) {
    await this.#order("POST", "/users/:user/disconnect", { user }).catch((error) => {
      if (error.code !== "unsupported") throw error;
      // River 0.1.0 knows this path, but no names in queries.
      const path = `/users/${encodeURIComponent(user)}/disconnect`;
      return this.#requests.ask({ method: "POST", path });
    });
  }

  /**
   * Log a user out everywhere: no token that was issued so far is accepted any more. A new token is.
   *
   * @param {string} user
   * @returns {Promise<void>}
   */
  async revoke(user) {
    await this.#order("POST", "/users/:user/disconnect", { user }, { revoke: true });
  }

  /**
   * Refuse a user, with whatever token.
   *
   * @param {string} user
   * @param {{until?: Date | number | null}} [options] `until` when, also in unix seconds; without it for good
   * @returns {Promise<void>}
   */
  async block(user, options = {}) {
    checkNames(options, { of: "block", known: ["until"] });
    const { until = null } = options;
    const body = { until: until instanceof Date ? until.getTime() / 1_000 : until };
    await this.#order("POST", "/users/:user/block", { user }, body);
  }

  /**
   * Accept a user again that was blocked.
   *
   * @param {string} user
   * @returns {Promise<void>}
   */
  async unblock(user) {
    await this.#order("DELETE", "/users/:user/block", { user });
  }

  /**
   * End a user's subscriptions to a channel, on all connections. A token that still grants the channel can
   * subscribe again.
   *
   * @param {string} user
   * @param {string} channel
   * @returns {Promise<void>}
   */
  async remove(user, channel) {
    await this.#order("POST", "/users/:user/channels/:channel/remove", { user, channel });
  }

  /**
   * A user's connections on all nodes, as the publish API answers it.
   *
   * @param {string} name
   * @returns {Promise<Record<string, unknown>>}
   */
  async user(name) {
    return this.#get(pathTo("/users/:user", { user: name }));
  }

  /**
   * Publish an event to every connection of a user, whatever it subscribes to. It arrives in the channel
   * `#user`.
   *
   * @param {string} user
   * @param {string} event
   * @param {unknown} [data] anything that JSON can say
   * @param {PublishOptions} [options]
   * @returns {Promise<Position>}
   */
  async publishToUser(user, event, data = null, options = {}) {
    return this.#publish(pathTo("/users/:user/publish", { user }), { event, data }, options);
  }

  /**
   * A token for a user whom your back end knows.
   *
   * @param {Wanted} wanted
   * @returns {Promise<string>}
   */
  async token(wanted) {
    const checked = checkWanted(wanted);
    if (this.#signature) return signed(checked, this.#signature, Date.now());
    const body = json(checked);
    return (await this.#requests.ask({ method: "POST", path: "/tokens", body })).token;
  }

  /**
   * @param {string} path
   * @param {object} message
   * @param {PublishOptions} options
   */
  async #publish(path, message, options) {
    checkNames(options, PUBLISH_OPTIONS);
    const { key, ...fields } = /** @type {PublishOptions & {key?: string}} */ (options);
    const id = fields.id ?? key ?? randomUUID();
    const body = json({ ...message, ...fields, id });
    try {
      const flaw = (/** @type {any} */ { results }) => firstFlaw(results, () => true);
      const answer = await this.#requests.ask({ method: "POST", path, body }, flaw);
      return answer.results ?? answer;
    } catch (error) {
      if (error instanceof RiverError) error.id = id;
      throw error;
    }
  }

  /**
   * @param {"POST" | "DELETE"} method
   * @param {string} template
   * @param {{user: string, channel?: string}} names
   * @param {object} [body]
   */
  async #order(method, template, names, body) {
    const question = { method, path: pathTo(template, names), body: body && json(body) };
    const { user = names.user } = await this.#requests.ask(question);
    if (user !== names.user)
      throw new RiverError("unsupported", `the server is too old for the user "${names.user}"`);
  }

  /** @param {string} path */
  #get(path) {
    return this.#requests.ask({ method: "GET", path });
  }
}

/**
 * A body, encoded before anything is sent.
 *
 * @param {object} body
 */
function json(body) {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    const { message } = /** @type {Error} */ (cause);
    const cure = "send text in place of what JSON does not have";
    throw new RiverError("data_invalid", `data: ${message}; ${cure}`, { cause });
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
    const flaw = error ? errorOf(error) : firstFlaw(inner, matters);
    if (flaw && matters(flaw)) return flaw;
  }
  return null;
}

/**
 * @param {any} result as the server gave it
 * @param {string} [id]
 * @returns {any}
 */
function resultOf({ error, results, ...position }, id) {
  if (error) return { error: errorOf(error, id) };
  return results
    ? { results: results.map((/** @type {any} */ one) => resultOf(one, id)) }
    : position;
}

/**
 * @param {{code: string, message: string}} error as the server gave it
 * @param {string} [id]
 */
function errorOf({ code, message }, id) {
  return new RiverError(code, message, { id, uncertain: code === "unknown" });
}
