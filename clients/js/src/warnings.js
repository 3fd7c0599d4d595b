/** What will not work, each thing once: the words for it are loaded when there is something to say. */

/** Close codes after which the same would happen again. */
const FAULTS = [4000, 4413, 4429];

/** @typedef {keyof typeof import("./advice.js").ADVICE} Topic */

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

  /** @param {string} [text] */
  warn(text) {
    if (!text || this.#said.has(text)) return;
    this.#said.add(text);
    this.#print(text);
  }

  /**
   * Warn in the words of `advice.js`; where those cannot be loaded, in bare facts.
   *
   * @param {Topic} topic
   * @param {...unknown} facts what the advice is about
   */
  about(topic, ...facts) {
    import("./later.js").then(
      ({ advice }) => this.warn(advice(topic, facts)),
      () => this.warn(`${topic}: ${facts}`),
    );
  }

  /**
   * Warn of names that nobody knows.
   *
   * @param {string} what
   * @param {object} unknown what is called by them
   */
  unknown(what, unknown) {
    for (const name in unknown) this.about("unknown", name, what);
  }

  /**
   * Warn of options that only the first `subscribe` to a channel can give.
   *
   * @param {string} channel
   * @param {Record<string, any>} options
   * @param {Record<string, any>} first
   */
  ignored(channel, options, first) {
    for (const name in options)
      if (options[name] && !first[name]) this.about("ignored", channel, name);
  }

  /**
   * @param {import("./status.js").Status} status
   * @param {string | undefined} url
   */
  status({ state, reason, code = 0, error }, url) {
    if (state === "connected") this.#connected = true;
    else if (
      FAULTS.includes(code) ||
      (state === "closed" && (code || reason === error?.message)) ||
      (state === "waiting" && !this.#connected)
    )
      this.about(state, reason, code, url, error);
  }
}
