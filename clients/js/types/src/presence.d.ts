/** Who is on a channel. */
export type Member = import("./protocol.js").Member;
/** @typedef {import("./protocol.js").Member} Member */
/** The members of a channel as far as they are known; River keeps it up to date. */
export declare class Presence {
    #private;
    /** How many users are there. The list of a large channel is not complete, the number is. */
    count: number;
    /** @type {Map<string, Record<string, unknown> | undefined>} what is known about each user, from `river.info` of the token */
    members: Map<string, Record<string, unknown> | undefined>;
    /**
     * Take over a list of the server.
     *
     * @param {import("./protocol.js").MemberList} list
     * @returns {{joined: Member[], left: Member[]}} the difference, when both lists are complete
     */
    replace({ count, members }: import("./protocol.js").MemberList): {
        joined: Member[];
        left: Member[];
    };
    /**
     * @param {Member} member
     * @returns {boolean} whether this is news
     */
    join({ user, info }: Member): boolean;
    /**
     * @param {string} user
     * @returns {boolean} whether this is news
     */
    leave(user: string): boolean;
}
