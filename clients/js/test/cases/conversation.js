/** Holds one conversation of protocol/cases through the client. */

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { until } from "../server.js";
import { said } from "./obstacles.js";
import { difference, filled } from "./patterns.js";
import { Tap } from "./tap.js";

export const SECRETS = ["first-secret-of-the-protocol-cases", "older-secret-of-the-protocol-cases"];
export const API_KEY = "key-of-the-protocol-cases";
/** @type {Record<string, string | undefined>} */
const KEYS = {
  first: SECRETS[0],
  older: SECRETS[1],
  stranger: "a-secret-that-the-server-does-not-know",
};
const WELCOME = {
  type: "welcome",
  session: "$_",
  resume_session: "$_",
  auth_timeout_s: "$_",
  max_message_bytes: "$_",
};
const AUTHENTICATED = {
  type: "authenticated",
  id: "auth",
  user: "$_",
  expires_at: "$_",
  user_position: "$_",
};

/** One run of one case. */
export class Conversation {
  #case;
  #server;
  /** @type {import("./patterns.js").Variables} */
  #variables = new Map([["case", randomBytes(4).toString("hex")]]);
  /** @type {Map<string, Tap>} */
  #taps = new Map();
  /** @type {Map<string, unknown>} the client's own id for each id of the case */
  #ids = new Map();

  /**
   * @param {import("./obstacles.js").Case} given
   * @param {import("../server.js").Server} server
   */
  constructor(given, server) {
    this.#case = given;
    this.#server = server;
    for (const [name, token] of Object.entries(given.tokens ?? {}))
      this.#variables.set(name, signed(token, this.#variables));
  }

  /** Take all steps; an error says which one failed. */
  async run() {
    try {
      for (const [index, step] of this.#case.steps.entries())
        await this.#take(step, index).catch((error) => {
          throw new Error(`step ${index + 1} ${JSON.stringify(step)}: ${error.message}`);
        });
    } finally {
      for (const tap of this.#taps.values()) tap.end();
    }
  }

  /**
   * @param {any} step
   * @param {number} index
   */
  async #take(step, index) {
    if (step.connect) return this.#connect(step, index);
    if (step.request) return this.#request(step);
    const tap = /** @type {Tap} */ (this.#taps.get(step.on));
    if (step.expect) return this.#expect(step.on, tap, step.expect);
    if (step.expect_close) return this.#expectClose(tap, step.expect_close);
    if (step.quiet) return tap.quiet();
    if (step.close) return tap.close();
    return this.#say(step.on, tap, said(step));
  }

  /**
   * @param {any} step
   * @param {number} index
   */
  async #connect({ connect: name, auth }, index) {
    const later = this.#case.steps
      .slice(index)
      .find(({ on, send }) => on === name && send?.type === "auth");
    const token = auth ?? later?.send.token ?? "nobody-asks-for-it";
    const tap = new Tap(this.#server.url, filled(token, this.#variables));
    this.#taps.set(name, tap);
    if (!auth) return;
    await this.#expect(name, tap, WELCOME);
    await this.#expect(name, tap, AUTHENTICATED);
    assert.equal(tap.sent.shift()?.type, "auth");
  }

  /**
   * @param {string} on
   * @param {Tap} tap
   * @param {any} message
   */
  async #say(on, tap, message) {
    const { id, ...wanted } = filled(message, this.#variables);
    tap.say(wanted);
    await until(() => tap.sent.length, "the client to say it");
    const { id: own, ...spoken } = tap.sent.shift();
    // Nothing and null are the same to the server.
    if (wanted.type === "publish") wanted.data ??= null;
    assert.deepEqual(spoken, wanted);
    this.#ids.set(`${on} ${id}`, own);
  }

  /**
   * @param {string} on
   * @param {Tap} tap
   * @param {any} pattern
   */
  async #expect(on, tap, pattern) {
    await until(() => tap.received.length, "a message");
    const message = tap.received.shift();
    const id = this.#ids.get(`${on} ${pattern.id}`) ?? pattern.id;
    const own = "id" in pattern ? { ...pattern, id } : pattern;
    const found = difference(own, message, this.#variables);
    assert.equal(found, null, `${found} in ${JSON.stringify(message)}`);
    if (message.type === "authenticated") assert.equal(tap.user, message.user);
    const news = newsIn(message);
    await until(() => tap.told.length >= news.length, `the client to tell ${JSON.stringify(news)}`);
    assert.deepEqual(tap.told.splice(0, news.length), news);
  }

  /**
   * @param {Tap} tap
   * @param {number} code
   */
  async #expectClose(tap, code) {
    await until(() => tap.closedWith, "the end");
    assert.equal(tap.closedWith, code);
    const forGood = [4400, 4401, 4403].includes(code);
    await until(() => tap.status.state !== "connected", "the client to tell");
    if (forGood) assert.equal(tap.status.state, "closed");
    else assert.notEqual(tap.status.state, "closed");
  }

  /** @param {any} step */
  async #request({ request, json, key = API_KEY, status = 200, expect }) {
    const [method, path] = filled(request, this.#variables).split(" ");
    const body = json === undefined ? undefined : JSON.stringify(filled(json, this.#variables));
    const headers = { "content-type": "application/json", ...(key && { "x-api-key": key }) };
    const response = await fetch(this.#server.apiUrl + path, { method, headers, body });
    const answer = await response.json();
    assert.equal(response.status, status, JSON.stringify(answer));
    if (expect) assert.equal(difference(expect, answer, this.#variables), null);
  }
}

/**
 * What the application has to be told of a message.
 *
 * @param {any} message
 * @returns {object[]}
 */
function newsIn({ type, id, code, reason, presence, recovered, ...rest }) {
  const { channel, epoch, offset } = rest;
  if (type === "event" || type === "joined" || type === "left" || type === "gap")
    return [{ [type]: rest }];
  if (type === "published" || type === "history") {
    const { channel: _, ...answer } = rest;
    return [{ answer }];
  }
  if (type === "error") return id === undefined || id === "auth" ? [] : [{ error: code }];
  if (type !== "subscribed") return [];
  const news = [{ subscribed: { channel, recovered, epoch, offset } }];
  if (presence) news.push(/** @type {any} */ ({ presence: { channel, ...presence } }));
  if (reason) news.push(/** @type {any} */ ({ gap: { channel, reason, epoch, offset } }));
  return news;
}

/**
 * The token that a case describes.
 *
 * @param {any} token
 * @param {import("./patterns.js").Variables} variables
 */
function signed({ claims, sign = "first" }, variables) {
  /** @param {object} value */
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const alg = sign === "none" ? "none" : "HS256";
  const content = `${part({ alg, typ: "JWT" })}.${part(filled(claims, variables))}`;
  const key = KEYS[sign];
  if (!key) return `${content}.`;
  return `${content}.${createHmac("sha256", key).update(content).digest("base64url")}`;
}
