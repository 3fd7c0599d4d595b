/** Pusher's encrypted channels: their events are opened in the page, with a key of the back end. */

/**
 * @typedef {object} NaCl what is used of `tweetnacl`
 * @property {{open: (box: Uint8Array, nonce: Uint8Array, key: Uint8Array) => Uint8Array | null,
 *   keyLength: number, nonceLength: number}} secretbox
 *
 * @typedef {{data: unknown, then: (opened: unknown) => void}} Held
 */

/** One channel's key, and what waits for another. */
export class Encryption {
  #nacl;
  #askSecret;
  /** Empty before there is one: it opens nothing. */
  #key = new Uint8Array();
  /** @type {Promise<void> | null} */
  #asking = null;
  /** @type {Held[] | null} events that came since one did not fit the key */
  #held = null;

  /**
   * @param {NaCl} nacl
   * @param {() => Promise<string>} askSecret
   */
  constructor(nacl, askSecret) {
    this.#nacl = nacl;
    this.#askSecret = askSecret;
  }

  /** Have a key; rejected when there is none. */
  async unlock() {
    if (!this.#key.length) await this.#renew();
  }

  /**
   * Open an event. One that does not fit the key may have been sent with the next one: it is asked for
   * once, and what comes meanwhile waits, so that the order stays.
   *
   * @param {any} data of the event
   * @param {(opened: unknown) => void} then not called for what cannot be opened
   */
  open(data, then) {
    if (this.#held) {
      this.#held.push({ data, then });
      return;
    }
    const text = this.#text(data);
    if (text !== null) then(parsed(text));
    else if (!data?.nonce || !data.ciphertext)
      console.warn("River: left out what is not encrypted");
    else {
      this.#held = [{ data, then }];
      this.#renew()
        .catch((error) => console.warn(`River: ${error.message}`))
        .then(() => this.#release());
    }
  }

  #renew() {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask() {
    const key = bytes(await this.#askSecret());
    if (key.length !== this.#nacl.secretbox.keyLength) throw new Error("no shared_secret");
    this.#key = key;
  }

  #release() {
    const held = this.#held ?? [];
    this.#held = null;
    for (const { data, then } of held) {
      const text = this.#text(data);
      if (text === null) console.warn("River: left out what fits no key");
      else isolated(() => then(parsed(text)));
    }
  }

  /**
   * @param {any} data
   * @returns {string | null} null for what the key does not open
   */
  #text(data) {
    try {
      const opened = this.#nacl.secretbox.open(
        bytes(data.ciphertext),
        bytes(data.nonce),
        this.#key,
      );
      return opened && utf8(opened);
    } catch {
      return null;
    }
  }
}

/**
 * @param {string} text
 * @returns {unknown}
 */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {string} base64 */
function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/**
 * React Native may have no `TextDecoder`.
 *
 * @param {Uint8Array} encoded
 */
function utf8(encoded) {
  const escaped = (/** @type {number} */ byte) => `%${byte.toString(16).padStart(2, "0")}`;
  return decodeURIComponent([...encoded].map(escaped).join(""));
}

/**
 * A callback that fails keeps nothing from the next one.
 *
 * @param {() => void} task
 */
function isolated(task) {
  try {
    task();
  } catch (error) {
    (globalThis.reportError ?? console.error)(error);
  }
}
