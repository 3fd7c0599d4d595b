/** What has arrived and was not handled yet. */

const SLICE_MS = 25;

/**
 * Hands on what arrives in order, and lets the page breathe.
 *
 * An item is handled at once, inside `push`, as long as the slice lasts. When items have taken 25 ms in
 * a row the rest waits for a turn of the event loop, so that the page can paint and answer to its user.
 *
 * @template T
 */
export class Inbox {
  /** @type {T[]} */
  #items = [];
  #head = 0;
  #spentMs = 0;
  #busy = false;
  #held = false;
  #handle;
  #platform;

  /**
   * @param {(item: T) => void} handle what it throws is reported; the next items are handled all the same
   * @param {Pick<import("./platform.js").Platform, "steadyMs" | "defer" | "report">} platform
   */
  constructor(handle, platform) {
    this.#handle = handle;
    this.#platform = platform;
  }

  /** How many items wait. */
  get size() {
    return this.#items.length - this.#head;
  }

  /** @param {T} item */
  push(item) {
    this.#items.push(item);
    if (!this.#busy) this.#slice();
  }

  /** Let what comes wait until `release`. */
  hold() {
    this.#held = true;
  }

  /** Handle what waits, and go on. */
  release() {
    this.#held = false;
    if (!this.#busy) this.#slice();
  }

  /** Forget what waits. */
  clear() {
    this.#items = [];
    this.#head = 0;
  }

  #slice() {
    this.#busy = true;
    const { steadyMs } = this.#platform;
    const start = steadyMs() - this.#spentMs;
    while (this.size > 0 && !this.#held && this.#spentMs < SLICE_MS) {
      try {
        this.#handle(/** @type {T} */ (this.#items[this.#head++]));
      } catch (error) {
        this.#platform.report(error);
      }
      this.#spentMs = steadyMs() - start;
    }
    if (this.size === 0) this.clear();
    if (this.#spentMs < SLICE_MS) this.#busy = false;
    else this.#later();
  }

  #later() {
    try {
      this.#platform.defer(this.#resume);
    } catch {
      // Without another turn the rest would wait for ever: better a page that cannot paint.
      this.#resume();
    }
  }

  #resume = () => {
    this.#spentMs = 0;
    this.#slice();
  };
}
