/** Which kind of socket is opened: a WebSocket, unless those do not come through where the page is. */

/** So much has to fail in a row; no answer weighs this. */
const BLOCKED = 6;
/** An attempt that is refused, and a connection that is cut soon. */
const REFUSED = 3;
const CUT = 2;
/** What is cut later than this may have been any network. */
const SOON_MS = 60_000;

/** @typedef {import("./connection.js").SocketClass} SocketClass */

/** Opens sockets to one address. */
export class Route {
  #url;
  #own;
  #next;
  #failed = 0;

  /**
   * @param {string} url
   * @param {SocketClass} Socket which some browsers are not allowed to have: without it none can be made
   */
  constructor(url, Socket) {
    this.#url = url;
    this.#own = this.#next = Socket;
  }

  /** @returns {import("./connection.js").Socket} */
  newSocket() {
    return new this.#next(this.#url);
  }

  /**
   * A socket was lost, and nobody had closed it.
   *
   * @param {number | undefined} code of its end: River's own begin at 4000, any other may be of what
   *   stands in between; none if it did not answer
   * @param {number} livedMs how long it had worked; 0 if it had not
   */
  lost(code = 0, livedMs) {
    const weight = livedMs ? CUT : REFUSED;
    if (livedMs > SOON_MS || this.#own?.isShared) this.#failed = 0;
    else if (code < 4000) this.#failed += code && this.#own ? weight : BLOCKED;
    if (this.#failed < BLOCKED) return;
    // From now on one more is enough.
    this.#failed = BLOCKED - CUT;
    const own = this.#own;
    if (this.#next !== own) this.#next = own;
    else
      import("./later.js")
        .then(({ fallback }) => fallback(this.#url, own, (Socket) => (this.#next = Socket)))
        .catch(() => {});
  }
}
