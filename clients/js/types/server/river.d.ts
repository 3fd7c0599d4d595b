/** River's publish API, as a back end holds it. */
import { RiverError } from "./error.js";
export { verifyWebhook } from "./webhooks.js";
export { RiverError };
export type Position = import("../src/protocol.js").Position;
export type Publication = import("../src/protocol.js").Publication;
export type Member = import("../src/protocol.js").Member;
export type Wanted = import("./token.js").Wanted;
export type Options = {
    /**
     * where the publish API is: `http://127.0.0.1:8001`
     */
    url: string;
    /**
     * one of RIVER_API_KEYS
     */
    key: string;
    /**
     * the first of RIVER_SECRETS. With it tokens are signed on the spot, without
     * it the publish API is asked for them
     */
    secret?: string;
    /**
     * what signed tokens say, where RIVER_JWT_ISSUER is set
     */
    issuer?: string;
    /**
     * what signed tokens say, where RIVER_JWT_AUDIENCE is set
     */
    audience?: string;
    /**
     * how long one attempt may take, 5,000 by default
     */
    timeoutMs?: number;
    /**
     * how long a request is sent again, 15,000 by default; with 0 it is sent
     * once
     */
    deadlineMs?: number;
    /**
     * another function to make requests with
     */
    fetch?: typeof globalThis.fetch;
};
export type Message = {
    channel?: string;
    /**
     * several instead of one
     */
    channels?: string[];
    event: string;
    /**
     * anything that JSON can say
     */
    data?: unknown;
    /**
     * the idempotency key; without it the library makes one
     */
    id?: string;
    /**
     * as in PublishOptions
     */
    keep?: boolean;
    /**
     * as in PublishOptions
     */
    exclude?: string;
};
export type PublishOptions = {
    /**
     * your own idempotency key. A second publish with it in the same channel, within
     * ten minutes, is not published again, but answered with the first one's position
     */
    id?: string;
    /**
     * with `false` it goes to those who are connected now, and to no history; the
     * answer has `after`, the offset that it follows, in place of `offset`
     */
    keep?: boolean;
    /**
     * the session (from `welcome`) that does not get it
     */
    exclude?: string;
};
export type Result = Position | {
    error: RiverError;
};
export type Counts = {
    subscribers: number;
    users?: number;
};
/** Publishes, looks at channels, and makes tokens. Keep one: it keeps its connections. */
export declare class River {
    #private;
    /**
     * @param {Options} options
     * @throws {RiverError} `option_invalid`
     */
    constructor(options: Options);
    /**
     * Publish an event; it is published once, however often it has to be sent.
     *
     * Events that are published without awaiting the one before may arrive in another order.
     *
     * @template {string | string[]} C
     * @param {C} channel one, or up to 100
     * @param {string} event
     * @param {unknown} [data] anything that JSON can say
     * @param {PublishOptions} [options]
     * @returns {Promise<C extends string[] ? Position[] : Position>} its position in the channel, or in each
     *   of them. From then on it reaches everyone who is connected or comes back in time
     */
    publish<C extends string | string[]>(channel: C, event: string, data?: unknown, options?: PublishOptions): Promise<C extends string[] ? Position[] : Position>;
    /**
     * Publish up to 1,000 events in order, with one request.
     *
     * A bad one is an error in its place and stops none of the others. When the server could not take some
     * of them the batch is sent again; those come after the others then.
     *
     * @param {Message[]} messages
     * @returns {Promise<(Result | {results: Result[]})[]>} what became of each, in their order; `results` of
     *   those with several channels. Rejected when none was taken
     */
    publishBatch(messages: Message[]): Promise<(Result | {
        results: Result[];
    })[]>;
    /**
     * The channels that have subscribers.
     *
     * @param {string} [prefix] how their names begin
     * @returns {Promise<Record<string, Counts>>} by their names `{ subscribers }`, for presence channels also `users`
     */
    channels(prefix?: string): Promise<Record<string, Counts>>;
    /**
     * How many subscribers a channel has, and the position of its log's end.
     *
     * @param {string} name
     * @returns {Promise<{channel: string} & Counts & Position>}
     */
    channel(name: string): Promise<{
        channel: string;
    } & Counts & Position>;
    /**
     * What was published in a channel.
     *
     * @param {string} channel
     * @param {{after?: Position, limit?: number}} [options] `after`: those that follow this position,
     *   without it the last ones; `limit`: at most so many, 100 unless told
     * @returns {Promise<Position & {publications: Publication[]}>} oldest first, and where the log stands;
     *   rejected with `unrecoverable` when the log does not reach back to `after`
     */
    history(channel: string, options?: {
        after?: Position;
        limit?: number;
    }): Promise<Position & {
        publications: Publication[];
    }>;
    /**
     * Who is on a channel, for channels whose name begins with `presence-`.
     *
     * @param {string} channel
     * @returns {Promise<{count: number, members: Member[]}>} all of them
     */
    presence(channel: string): Promise<{
        count: number;
        members: Member[];
    }>;
    /**
     * Close all connections of a user, on every node. Their clients do not come back by themselves.
     *
     * @param {string} user
     * @returns {Promise<void>}
     */
    disconnect(user: string): Promise<void>;
    /**
     * Log a user out everywhere: no token that was issued so far is accepted any more. A new token is.
     *
     * @param {string} user
     * @returns {Promise<void>}
     */
    revoke(user: string): Promise<void>;
    /**
     * Refuse a user, with whatever token.
     *
     * @param {string} user
     * @param {{until?: Date | number | null}} [options] `until` when, also in unix seconds; without it for good
     * @returns {Promise<void>}
     */
    block(user: string, options?: {
        until?: Date | number | null;
    }): Promise<void>;
    /**
     * Accept a user again that was blocked.
     *
     * @param {string} user
     * @returns {Promise<void>}
     */
    unblock(user: string): Promise<void>;
    /**
     * End a user's subscriptions to a channel, on all connections. A token that still grants the channel can
     * subscribe again.
     *
     * @param {string} user
     * @param {string} channel
     * @returns {Promise<void>}
     */
    remove(user: string, channel: string): Promise<void>;
    /**
     * A user's connections on all nodes, as the publish API answers it.
     *
     * @param {string} name
     * @returns {Promise<Record<string, unknown>>}
     */
    user(name: string): Promise<Record<string, unknown>>;
    /**
     * Publish an event to every connection of a user, whatever it subscribes to. It arrives in the channel
     * `#user`.
     *
     * @param {string} user
     * @param {string} event
     * @param {unknown} [data] anything that JSON can say
     * @param {PublishOptions} [options]
     * @returns {Promise<Position>}
     */
    publishToUser(user: string, event: string, data?: unknown, options?: PublishOptions): Promise<Position>;
    /**
     * A token for a user whom your back end knows.
     *
     * @param {Wanted} wanted
     * @returns {Promise<string>}
     */
    token(wanted: Wanted): Promise<string>;
}
