/** Who is on a channel. */

/** @typedef {import("./protocol.js").Member} Member */

/** The members of a channel as far as they are known; River keeps it up to date. */
export class Presence {
  /** How many users are there. The list of a large channel is not complete, the number is. */
  count = 0;
  /** @type {Map<string, Record<string, unknown> | undefined>} what is known about each user, from `river.info` of the token */
  members = new Map();
  #known = false;

  /**
   * Take over a list of the server.
   *
   * @param {import("./protocol.js").MemberList} list
   * @returns {{joined: Member[], left: Member[]}} the difference, when both lists are complete
   */
  replace({ count, members }) {
    const before = this.members;
    const comparable = this.#known && before.size === this.count && members.length === count;
    this.#known = true;
    this.count = count;
    this.members = new Map(members.map(({ user, info }) => [user, info]));
    const gone = [...before.keys()].filter((user) => comparable && !this.members.has(user));
    return {
      joined: members.filter(({ user }) => comparable && !before.has(user)),
      left: gone.map((user) => ({ user })),
    };
  }

  /**
   * @param {Member} member
   * @returns {boolean} whether this is news
   */
  join({ user, info }) {
    const news = !this.members.has(user);
    this.members.set(user, info);
    if (news) this.count += 1;
    return news;
  }

  /**
   * @param {string} user
   * @returns {boolean} whether this is news
   */
  leave(user) {
    const listed = this.members.delete(user);
    // Who is not on an incomplete list may have been there all the same.
    const news = listed || this.count > this.members.size;
    if (news) this.count -= 1;
    return news;
  }
}
