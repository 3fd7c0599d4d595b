/** Callbacks by name, and callbacks for every name, called as pusher-js calls them. */

/**
 * @typedef {(...args: any[]) => void} Callback
 * @typedef {{callback: Callback, context: unknown}} Binding
 */

/** What can be bound to: a channel, the connection, the user, all channels at once. */
export class Dispatcher {
  /** @type {Map<string, Binding[]>} */
  #bindings = new Map();
  /** @type {Callback[]} */
  #global = [];

  /**
   * @param {string} name
   * @param {Callback} callback
   * @param {unknown} [context] what `this` is for the callback
   * @returns {this}
   */
  bind(name, callback, context) {
    const bound = this.#bindings.get(name) ?? [];
    bound.push({ callback, context });
    this.#bindings.set(name, bound);
    return this;
  }

  /**
   * End what `bind` began; each argument that is left out stands for all.
   *
   * @param {string} [name]
   * @param {Callback} [callback]
   * @param {unknown} [context]
   * @returns {this}
   */
  unbind(name, callback, context) {
    for (const key of name ? [name] : [...this.#bindings.keys()]) {
      /** @param {Binding} one */
      const stays = (one) =>
        (callback && one.callback !== callback) || (context && one.context !== context);
      // A copy: a round of callbacks that is on goes on with the list before.
      this.#bindings.set(key, (this.#bindings.get(key) ?? []).filter(stays));
    }
    return this;
  }

  /**
   * @param {(name: string, data: any) => void} callback called for every name
   * @returns {this}
   */
  bind_global(callback) {
    this.#global.push(callback);
    return this;
  }

  /**
   * @param {Callback} [callback] without it all
   * @returns {this}
   */
  unbind_global(callback) {
    this.#global = callback ? this.#global.filter((one) => one !== callback) : [];
    return this;
  }

  /** @returns {this} */
  unbind_all() {
    return this.unbind().unbind_global();
  }

  /**
   * @param {string} name
   * @param {unknown} [data]
   * @param {{user_id?: string}} [metadata] of an event of a channel
   * @returns {this}
   */
  emit(name, data, metadata) {
    for (const callback of this.#global) callback(name, data);
    const known = data ? [data] : [];
    const args = metadata ? [data, metadata] : known;
    for (const { callback, context } of this.#bindings.get(name) ?? [])
      callback.apply(context || globalThis, args);
    return this;
  }
}
