/** Who this page is to publishers, through all its connections: what `exclude` means. */

/** @typedef {import("./protocol.js").Welcome} Welcome */

/**
 * The session of the page's first connection. Later ones continue it, as long as servers know it again.
 */
export class Session {
  /** @type {string | null} */
  id = null;
  /** @type {string | undefined} what proves to a server whose session this is */
  secret;

  /** @type {WeakMap<object, Welcome>} */
  #welcomes = new WeakMap();

  /**
   * @param {Welcome} message
   * @param {object} connection
   */
  welcomed(message, connection) {
    this.#welcomes.set(connection, message);
    if (!this.id) this.#adopt(message);
  }

  /**
   * @param {import("./protocol.js").Authenticated} message
   * @param {object} connection
   */
  authenticated({ session }, connection) {
    const welcome = this.#welcomes.get(connection);
    // The server has other secrets by now.
    if (welcome && session && session !== this.id) this.#adopt(welcome);
  }

  /** @param {Welcome} welcome */
  #adopt({ session, resume_session }) {
    this.id = session;
    this.secret = resume_session;
  }
}
