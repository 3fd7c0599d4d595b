/** What will not work, each thing once: the words for it are loaded when there is something to say. */

const ONCE = /** @type {const} */ (["history", "since", "snapshot"]);
/** Close codes after which the same would happen again. */
const FAULTS = [4000, 4413, 4429];

/** @typedef {typeof import("./later.js")} Later */

/** Warns of each thing once. */
export class Warnings {
  #print;
  #isGuest;
  /** @type {Set<string>} */
  #said = new Set();
  #connected = false;

  /**
   * @param {(text: string) => void} print
   * @param {boolean} [isGuest] whether there will never be a token
   */
  constructor(print, isGuest = false) {
    this.#print = print;
    this.#isGuest = isGuest;
  }

  /** @param {string} [text] */
  warn(text) {
    if (!text || this.#said.has(text)) return;
    this.#said.add(text);
    this.#print(text);
  }

  /**
   * Warn of names that nobody knows.
   *
   * @param {string} what
   * @param {object} unknown what is called by them
   */
  unknown(what, unknown) {
    for (const name in unknown) this.#say((later) => later.nameAdvice(what, name));
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
      if (options[name] && !first[name]) this.#say((later) => later.ignoredAdvice(channel, name));
  }

  /**
   * @param {string} channel
   * @param {import("./errors.js").RiverError} error
   */
  refused(channel, error) {
    // Whose token is refused is warned of that.
    if (error.code !== "unauthenticated" || this.#isGuest)
      this.#say((later) => later.channelAdvice(channel, error));
  }

  /**
   * Warn of a callback for members where there are none.
   *
   * @param {string} channel
   * @param {string} event
   */
  memberless(channel, event) {
    this.#say((later) => later.memberlessAdvice(channel, event));
  }

  /**
   * @param {import("./status.js").Status} status
   * @param {string} url
   */
  status(status, url) {
    const { state, reason, code = 0, error } = status;
    if (state === "connected") this.#connected = true;
    else if (
      FAULTS.includes(code) ||
      (state === "closed" && (code || reason === error?.message)) ||
      (state === "waiting" && !this.#connected)
    )
      this.#say((later) => later.statusAdvice(status, url));
  }

  /** @param {(later: Later) => string | undefined} choose */
  #say(choose) {
    // Who cannot load it is better served by the network tab than by another error.
    import("./later.js").then(
      (later) => this.warn(choose(later)),
      () => {},
    );
  }
}
