/** What a developer is told in the console about what will not work, with its cure. */

/** @type {Record<string, string>} what to do about a refused channel */
const CURES = {
  forbidden: "Grant it in the token",
  channel_invalid: "Choose another name",
  too_many_channels: "Unsubscribe from what is not shown",
};
const TOKEN_CURE = ". Only a function can give another token";
/** What may be wrong with an address where nothing answers as a gateway does. */
const DOUBTS =
  "is it a gateway (port 8000, not 8001)? wss: for an https: page? This origin in RIVER_ALLOWED_ORIGINS?";

/**
 * About a name that nobody knows.
 *
 * @param {string} what
 * @param {string} name
 * @param {string[]} known
 */
export function nameAdvice(what, name, known) {
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
  return CURES[code] && `channel "${channel}" refused: ${message} (${code}). ${CURES[code]}`;
}

/**
 * About a connection that will not come about.
 *
 * @param {import("./link.js").Status} status
 * @param {string} url
 */
export function statusAdvice({ state, reason, code, error }, url) {
  const cause = /** @type {{code?: string} | undefined} */ (error)?.code ?? "";
  if (state === "waiting" && (code ?? 1006) === 1006 && !cause.startsWith("token_"))
    return `no connection to ${url}: ${DOUBTS}`;
  return `${state}: ${reason}${state === "closed" && code === 4401 ? TOKEN_CURE : ""}`;
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
