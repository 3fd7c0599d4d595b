/** Who is on a presence channel. */

/**
 * @typedef {{id: string, info: any}} PusherMember
 * @typedef {Pick<import("../src/presence.js").Presence, "count" | "members">} Roster
 */

/** The members of a presence channel, in the form of pusher-js. */
export class Members {
  /** @type {Record<string, any>} What is known about each member, by its id */
  members = {};
  /** How many there are. */
  count = 0;
  /** @type {string | null} The id of the page's user. */
  myID = null;
  /** @type {PusherMember | null} The page's user. */
  me = null;

  /**
   * A member, as `{id, info}`.
   *
   * @param {string} id
   * @returns {PusherMember | null} null for who is not there
   */
  get(id) {
    return Object.hasOwn(this.members, id) ? { id, info: this.members[id] } : null;
  }

  /**
   * Call back for each member.
   *
   * @param {(member: PusherMember) => void} callback
   */
  each(callback) {
    for (const id of Object.keys(this.members))
      callback(/** @type {PusherMember} */ (this.get(id)));
  }

  /**
   * Take over a list of the server.
   *
   * @param {Roster} roster
   * @param {string | null} myID
   */
  replace({ count, members }, myID) {
    this.members = Object.fromEntries([...members].map(([id, info]) => [id, info ?? null]));
    this.count = count;
    this.myID = myID;
    this.me = myID === null ? null : this.get(myID);
  }

  /**
   * @param {string} id
   * @param {unknown} info
   * @returns {PusherMember | null} null when this is no news
   */
  add(id, info) {
    if (this.get(id)) return null;
    // A user may have any id, `__proto__` for one.
    const value = info ?? null;
    const own = { value, enumerable: true, writable: true, configurable: true };
    Object.defineProperty(this.members, id, own);
    this.count += 1;
    return this.get(id);
  }

  /**
   * @param {string} id
   * @returns {PusherMember | null} null when this is no news
   */
  remove(id) {
    const member = this.get(id);
    if (!member) return null;
    delete this.members[id];
    this.count -= 1;
    return member;
  }

  /** Nothing is known: there is no connection. */
  reset() {
    this.replace({ count: 0, members: new Map() }, null);
  }
}
