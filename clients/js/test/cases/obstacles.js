/** Which conversations the client cannot hold, because it never says such a thing. */

/**
 * @typedef {{name: string, settings?: Record<string, string>, tokens?: Record<string, any>, steps: any[]}} Case
 */

/**
 * Why a case is not for this client; null if it is.
 *
 * @param {Case} given
 * @returns {string | null}
 */
export function obstacle({ steps, settings = {} }) {
  /** @type {Map<string, Talk>} */
  const talks = new Map();
  if (!steps.some(({ connect }) => connect)) return "it is about the publish API alone";
  if (settings.RIVER_MAX_UNAUTHENTICATED) return "the client always sends a token";
  for (const step of steps) {
    if (step.connect) talks.set(step.connect, new Talk());
    const found = inConnect(step) ?? talks.get(step.connect ?? step.on)?.obstacle(step);
    if (found) return found;
  }
  return null;
}

/** @param {any} step */
function inConnect(step) {
  if (step.header) return "browsers cannot send the header";
  if (step.subprotocol) return "the client sends its token in a message";
  if (step.stop) return "the client leaves a server that says goodbye before that closes";
  return null;
}

/** What was said on one connection of a case. */
class Talk {
  #authenticated = false;
  /** @type {Map<string, unknown>} the channels that it is on, and the question that got it there */
  #channels = new Map();

  /**
   * @param {any} step
   * @returns {string | null}
   */
  obstacle(step) {
    if (step.auth) this.#authenticated = true;
    if (step.expect_close === 4408) return "the client always sends a token";
    if (step.expect?.type === "error") this.#refused(step.expect.id);
    const message = said(step);
    if (message === undefined) return null;
    return message === null ? "the client sends JSON objects only" : this.#inMessage(message);
  }

  /** @param {unknown} question */
  #refused(question) {
    for (const [channel, id] of this.#channels) if (id === question) this.#channels.delete(channel);
  }

  /**
   * @param {any} message
   * @returns {string | null}
   */
  #inMessage({ type, id, channel, ...more }) {
    if (type === "ping") return "the client decides when to ping";
    if (type === "presence") return "the client keeps the list of members by itself";
    if (!["auth", "subscribe", "unsubscribe", "publish", "history"].includes(type))
      return "the client sends no such message";
    if (id === undefined || id === null) return "the client gives every question an id";
    if (type === "auth") return this.#inAuth(more);
    if (!this.#authenticated) return "the client authenticates before all else";
    if (typeof channel !== "string") return "the client always names the channel";
    return this.#inQuestion(type, channel, { id, ...more });
  }

  /** @param {any} more */
  #inAuth({ token, resume_session, user_position }) {
    if (resume_session) return "the client continues a session of its own only";
    if (user_position) return "the client goes on where it stands itself";
    if (typeof token !== "string") return "the client sends texts as tokens";
    if (this.#authenticated) return "the client decides when to renew its token";
    this.#authenticated = true;
    return null;
  }

  /**
   * @param {string} type
   * @param {string} channel
   * @param {any} more
   */
  #inQuestion(type, channel, { id, epoch, offset, history, limit, event }) {
    if ((epoch === undefined) !== (offset === undefined)) return "the client sends positions whole";
    if (epoch !== undefined && history !== undefined)
      return "the client asks for the past or for what it missed, not for both";
    if (type === "publish") return typeof event === "string" ? null : "the client names the event";
    if (channel.startsWith("#user")) return "the client has its user's channel by itself";
    const known = this.#channels.has(channel);
    if (type === "subscribe") {
      this.#channels.set(channel, id);
      return known ? "the client does not ask for a channel that it has" : null;
    }
    if (type === "unsubscribe") this.#channels.delete(channel);
    if (known) return null;
    const valid = [limit, offset].every((number) => number === undefined || number >= 0);
    return valid
      ? "the client asks about channels that it is on"
      : "the client sends no such number";
  }
}

/**
 * The message of a step; undefined if it has none, null if that is no JSON object.
 *
 * @param {any} step
 */
export function said({ send, send_text: text, send_binary: binary }) {
  if (binary !== undefined) return null;
  if (text === undefined) return send;
  const whole = Array.isArray(text)
    ? text.map(([piece, times]) => piece.repeat(times)).join("")
    : text;
  if (whole !== whole.trim()) return null;
  try {
    const message = JSON.parse(whole);
    // What is nested too deeply can be read, but not be said.
    JSON.stringify(message);
    return message && typeof message === "object" && !Array.isArray(message) ? message : null;
  } catch {
    return null;
  }
}
