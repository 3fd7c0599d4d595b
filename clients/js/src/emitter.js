/** Callbacks by name. */

/** @typedef {(...args: any[]) => void} Callback */

/** Calls the callbacks of a name in the order in which they were added. */
export class Emitter {
  /** @type {Map<string, Set<Callback>>} */
  #callbacks = new Map();
  #report;
  #check;

  /**
   * @param {(error: unknown) => void} report is given what a callback threw; the others still run
   * @param {(name: string) => void} [check] is given each name that a callback is added for
   */
  constructor(report, check) {
    this.#report = report;
    this.#check = check;
  }

  /**
   * Add a callback; the same one twice counts once.
   *
   * @param {string} name
   * @param {Callback} callback
   */
  on(name, callback) {
    if (typeof callback !== "function") throw new TypeError(`"${name}" has no callback`);
    this.#check?.(name);
    const callbacks = this.#callbacks.get(name) ?? new Set();
    this.#callbacks.set(name, callbacks.add(callback));
  }

  /**
   * Remove one callback, or all of a name.
   *
   * @param {string} name
   * @param {Callback} [callback]
   */
  off(name, callback) {
    const callbacks = this.#callbacks.get(name);
    if (callback) callbacks?.delete(callback);
    else callbacks?.clear();
  }

  /** Remove all. */
  clear() {
    for (const callbacks of this.#callbacks.values()) callbacks.clear();
  }

  /**
   * @param {string} name
   * @param {...unknown} args
   */
  emit(name, ...args) {
    const callbacks = this.#callbacks.get(name);
    // A copy, because a callback may remove itself or add others while the round is on.
    for (const callback of new Set(callbacks)) {
      if (!callbacks?.has(callback)) continue;
      try {
        callback(...args);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}
