/** What a developer is told in the console about what will not work, with its cure. */

import { SYSTEM_EVENTS } from "./channel.js";

/** @type {Record<string, string>} what to do about a refused channel */
const CURES = {
  forbidden: "Grant it in the token, in subscribe or channels",
  channel_invalid: "Choose another name",
  invalid_field: "Correct the options of its subscribe",
  too_many_channels: "Unsubscribe from what is not shown",
  unauthenticated: "Give new River the option token, or open the channel to guests with a rule",
};
/** @type {Record<string, string[]>} */
const KNOWN = {
  option: ["host", "url", "token", "jwt", "queue", "WebSocket"],
  "option of subscribe": ["history", "since", "onGap", "snapshot"],
  "option of publish": ["keep", "exclude"],
  event: ["state"],
  "event of channels": SYSTEM_EVENTS,
};
/** @type {[RegExp, string][]} what to do about a token, by why there is none */
const TOKEN_CURES = [
  [/answered 40[13]$|HTML page$/, ": is the user logged in?"],
  [/not the bare text$/, ': give the token alone, without quotes, or as {"token": "..."}'],
  [/^no token: it is (\w+)$/, ": return the text, or what fetch gives"],
  [/fits none of the secrets$/, ": sign it with the first of RIVER_SECRETS"],
  [/has expired$/, ": is it an old one, or a clock wrong?"],
];
const FIXED_CURE = ". Only a function can give another token";
/** What may be wrong with an address where nothing answers as a gateway does. */
const DOUBTS =
  "is it a gateway (port 8000, not 8001)? wss: for an https: page? This origin in RIVER_ALLOWED_ORIGINS?";

/**
 * What is said about each topic, from its facts; nothing where nothing is wrong.
 *
 * @type {Record<"unknown" | "ignored" | "refused" | "memberless" | "stale" | import("./status.js").State,
 *   (...facts: any[]) => string | undefined>}
 */
export const ADVICE = {
  /** A name of an option or event that nobody knows. */
  unknown(name, what) {
    const known = KNOWN[what] ?? [];
    const [near = ""] = [...known].sort((a, b) => slips(name, a) - slips(name, b));
    const guess = slips(name, near) < 3 ? near : known.join('", "');
    return `no ${what} "${name}": did you mean "${guess}"?`;
  },

  /** An option that only the first `subscribe` to a channel can give. */
  ignored(channel, name) {
    if (!KNOWN["option of subscribe"]?.includes(name)) return undefined;
    return `"${channel}" was subscribed before, without ${name}: it is ignored`;
  },

  /** A channel that was refused. */
  refused(channel, code, message, token) {
    // Whose token is refused is warned of that.
    if (token && code === "unauthenticated") return undefined;
    // Each channel after the hundredth: one line for all of them.
    const what = code === "too_many_channels" ? "a channel" : `channel "${channel}"`;
    return CURES[code] && `${what} refused: ${message} (${code}). ${CURES[code]}`;
  },

  /** A callback for members of a channel that has none. */
  memberless(channel, event) {
    return `no "${event}" on "${channel}": only channels called presence-..., or with a rule, have members`;
  },

  /** A snapshot that failed; it is loaded again and again. */
  stale(words) {
    const cure = /SyntaxError/.test(words) ? "Does it look at response.ok? " : "";
    return `${words}. ${cure}It is loaded again; until then events wait and the channel is not live`;
  },

  /** Between two attempts to connect. */
  waiting(reason, code, url, error) {
    // Of a DOMException it is a number: the browser kept the page from opening the connection.
    const isToken = String(error?.code).startsWith("token_");
    if ((code || 1006) === 1006 && !isToken) return `no connection to ${url}: ${DOUBTS}`;
    return `waiting: ${reason}${tokenCure(reason)}`;
  },

  /** For good. */
  closed(reason, code) {
    return `closed: ${reason}${code === 4401 ? FIXED_CURE : tokenCure(reason)}`;
  },

  connecting: () => undefined,
  connected: () => undefined,
};

/**
 * What to say about something that will not work.
 *
 * @param {import("./warnings.js").Topic} topic
 * @param {unknown[]} facts
 */
export function advice(topic, facts) {
  return ADVICE[topic](...facts);
}

/** @param {string} reason */
function tokenCure(reason) {
  return TOKEN_CURES.find(([pattern]) => pattern.test(reason))?.[1] ?? "";
}

/**
 * How many letters may have been mistyped.
 *
 * @param {string} name
 * @param {string} known
 */
function slips(name, known) {
  /** @type {(one: string, other: string) => number} */
  const missing = (one, other) => [...one].filter((letter) => !other.includes(letter)).length;
  return missing(name, known) + missing(known, name);
}
