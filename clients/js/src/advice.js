/** What a developer is told in the console about what will not work, with its cure. */

import { SYSTEM_EVENTS } from "./channel.js";

/** @type {Record<string, string>} what to do about a refused channel */
const CURES = {
  forbidden: "Grant it in the token, in subscribe or channels",
  channel_invalid: "Choose another name",
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
  [/^no token: it is (\w+)$/, ": return the text, or what fetch gives"],
  [/fits none of the secrets$/, ": sign it with the first of RIVER_SECRETS"],
  [/has expired$/, ": is it an old one, or a clock wrong?"],
];
const FIXED_CURE = ". Only a function can give another token";
/** What may be wrong with an address where nothing answers as a gateway does. */
const DOUBTS =
  "is it a gateway (port 8000, not 8001)? wss: for an https: page? This origin in RIVER_ALLOWED_ORIGINS?";

/**
 * About a name that nobody knows.
 *
 * @param {string} what
 * @param {string} name
 */
export function nameAdvice(what, name) {
  const known = KNOWN[what] ?? [];
  const [near = ""] = [...known].sort((a, b) => slips(name, a) - slips(name, b));
  const guess = slips(name, near) < 3 ? near : known.join('", "');
  return `no ${what} "${name}": did you mean "${guess}"?`;
}

/**
 * About an option that only the first `subscribe` to a channel can give.
 *
 * @param {string} channel
 * @param {string} name
 */
export function ignoredAdvice(channel, name) {
  return `"${channel}" was subscribed before, without ${name}: it is ignored`;
}

/**
 * About a channel that was refused.
 *
 * @param {string} channel
 * @param {import("./errors.js").RiverError} error
 */
export function channelAdvice(channel, { code, message }) {
  // Each channel after the hundredth: one line for all of them.
  const what = code === "too_many_channels" ? "a channel" : `channel "${channel}"`;
  return CURES[code] && `${what} refused: ${message} (${code}). ${CURES[code]}`;
}

/**
 * About members of a channel that has none.
 *
 * @param {string} channel
 * @param {string} event
 */
export function memberlessAdvice(channel, event) {
  return `no "${event}" on "${channel}": only channels called presence-..., or with a rule, have members`;
}

/**
 * About a connection that will not come about.
 *
 * @param {import("./status.js").Status} status
 * @param {string} url
 */
export function statusAdvice({ state, reason, code, error }, url) {
  // Of a DOMException it is a number: the browser kept the page from opening the connection.
  const cause = String(/** @type {{code?: unknown} | undefined} */ (error)?.code);
  if (state === "waiting" && (code ?? 1006) === 1006 && !cause.startsWith("token_"))
    return `no connection to ${url}: ${DOUBTS}`;
  const cure = TOKEN_CURES.find(([pattern]) => pattern.test(reason))?.[1] ?? "";
  return `${state}: ${reason}${state === "closed" && code === 4401 ? FIXED_CURE : cure}`;
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
