/** What the developer is told in the console: what will not work, each once, with its cure. */

/** @type {Record<string, string>} what to do about a refused channel */
const CURES = {
  forbidden: "Grant it in the token",
  channel_invalid: "Choose another name",
  too_many_channels: "Unsubscribe from what is not shown",
};
const ONCE = /** @type {const} */ (["history", "since", "snapshot"]);
/** Close codes after which the same would happen again. */
const FAULTS = [4000, 4413, 4429];
const TOKEN_CURE = ". Only a function can give another token";
/** What may be wrong with an address where nothing answers as a gateway does. */
const DOUBTS =
  "is it a gateway (port 8000, not 8001)? wss: for an https: page? This origin in RIVER_ALLOWED_ORIGINS?";

/** Warns of each thing once. */
export class Warnings {
  #print;
  /** @type {Set<string>} */
  #said = new Set();
  #connected = false;

  /** @param {(text: string) => void} print */
  constructor(print) {
    this.#print = print;
  }

  /** @param {string} text */
  warn(text) {
    if (this.#said.has(text)) return;
    this.#said.add(text);
    this.#print(text);
  }

  /**
   * Warn of names that nobody knows.
   *
   * @param {string} what
   * @param {string[]} names
   * @param {string[]} known
   */
  unknown(what, names, known) {
    for (const name of names) {
      if (known.includes(name)) continue;
      const [near = ""] = [...known].sort((a, b) => slips(name, a) - slips(name, b));
      const guess = slips(name, near) < 3 ? near : known.join('", "');
      this.warn(`no ${what} "${name}": did you mean "${guess}"?`);
    }
  }

  /**
   * Warn of options that only the first `subscribe` to a channel can give.
   *
   * @param {string} channel
   * @param {import("./river.js").SubscribeOptions} options
   * @param {import("./river.js").SubscribeOptions} first
   */
  ignored(channel, options, first) {
    for (const name of ONCE)
      if (options[name] && !first[name])
        this.warn(`"${channel}" was subscribed before, without ${name}: it is ignored`);
  }

  /**
   * @param {string} channel
   * @param {import("./errors.js").RiverError} error
   */
  refused(channel, { code, message }) {
    if (CURES[code])
      this.warn(`channel "${channel}" refused: ${message} (${code}). ${CURES[code]}`);
  }

  /**
   * @param {import("./link.js").Status} status
   * @param {string} url
   */
  status({ state, reason, code = 0, error }, url) {
    const cause = /** @type {{code?: string} | undefined} */ (error)?.code ?? "";
    const isFaulty = FAULTS.includes(code) || (cause.startsWith("token_") && !this.#connected);
    if (state === "connected") this.#connected = true;
    else if (isFaulty || (state === "closed" && code))
      this.warn(`${state}: ${reason}${state === "closed" && code === 4401 ? TOKEN_CURE : ""}`);
    else if (state === "waiting" && !this.#connected)
      this.warn(`no connection to ${url}: ${DOUBTS}`);
  }
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
