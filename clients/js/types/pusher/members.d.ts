/** Who is on a presence channel. */
export type PusherMember = {
    id: string;
    info: any;
};
export type Roster = Pick<import("../src/presence.js").Presence, "count" | "members">;
/**
 * @typedef {{id: string, info: any}} PusherMember
 * @typedef {Pick<import("../src/presence.js").Presence, "count" | "members">} Roster
 */
/** The members of a presence channel, in the form of pusher-js. */
export declare class Members {
    /** @type {Record<string, any>} What is known about each member, by its id */
    members: Record<string, any>;
    /** How many there are. */
    count: number;
    /** @type {string | null} The id of the page's user. */
    myID: string | null;
    /** @type {PusherMember | null} The page's user. */
    me: PusherMember | null;
    /**
     * A member, as `{id, info}`.
     *
     * @param {string} id
     * @returns {PusherMember | null} null for who is not there
     */
    get(id: string): PusherMember | null;
    /**
     * Call back for each member.
     *
     * @param {(member: PusherMember) => void} callback
     */
    each(callback: (member: PusherMember) => void): void;
    /**
     * Take over a list of the server.
     *
     * @param {Roster} roster
     * @param {string | null} myID
     */
    replace({ count, members }: Roster, myID: string | null): void;
    /**
     * @param {string} id
     * @param {unknown} info
     * @returns {PusherMember | null} null when this is no news
     */
    add(id: string, info: unknown): PusherMember | null;
    /**
     * @param {string} id
     * @returns {PusherMember | null} null when this is no news
     */
    remove(id: string): PusherMember | null;
    /** Nothing is known: there is no connection. */
    reset(): void;
}
