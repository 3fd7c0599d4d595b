/** The client, as the application holds it. */
import { RiverError } from "./errors.js";
export { RiverError };
export type EventDetail = import("./channel.js").EventDetail;
export type GapDetail = import("./channel.js").GapDetail;
export type SystemEvents = import("./channel.js").SystemEvents;
export type Snapshot = import("./delivery.js").Snapshot;
export type State = import("./status.js").State;
export type Status = import("./status.js").Status;
export type Presence = import("./presence.js").Presence;
export type Member = import("./protocol.js").Member;
export type Position = import("./protocol.js").Position;
export type Publication = import("./protocol.js").Publication;
export type PublishOptions = import("./protocol.js").PublishOptions;
export type Receipt = import("./protocol.js").Receipt;
export type Break = import("./subscription.js").Break;
export type GivenToken = import("./token.js").GivenToken;
export type TokenSource = import("./token.js").TokenSource;
export type TransportName = "websocket" | "stream" | "poll";
export type Options = {
    /**
     * the server: `https://rt.example.com`, `localhost:8000`, or a path on the
     * page's own origin, `/rt`; without it the one that this module was loaded from
     */
    host?: string;
    /**
     * the same as `host`
     */
    url?: string;
    /**
     * who the user is; without it the page is a guest, for channels that are
     * open to guests: a token of your back end, or a function that fetches
     * one, as text or as the response of `fetch`. Only with a function can it be renewed before it ends
     */
    token?: TokenSource;
    /**
     * the same as `token`
     */
    jwt?: TokenSource;
    /**
     * how many client publishes may wait while there is no connection; with 0,
     * the default, they are refused then
     */
    queue?: number;
    /**
     * where there is no global one
     */
    WebSocket?: import("./connection.js").SocketClass;
};
export type SubscribeOptions = {
    /**
     * begin with up to so many of the last events
     */
    history?: number;
    /**
     * begin after this position, for example that of the page as it was rendered
     */
    since?: Position;
    /**
     * the same as `on("river:gap", ...)`
     */
    onGap?: (gap: GapDetail) => void;
    /**
     * called at the start and after each gap to load
     * the application's state, again and again until it succeeds. Events wait meanwhile. When it returns a
     * position, those up to there are left out, so that nothing is missed and nothing applied twice
     */
    snapshot?: Snapshot;
};
export type ClientEvents = {
    /**
     * the connection's state changed
     */
    state: Status;
};
export type Channel<E = Record<string, unknown>> = import("./channel.js").Channel<E>;
/**
 * @typedef {import("./channel.js").EventDetail} EventDetail
 * @typedef {import("./channel.js").GapDetail} GapDetail
 * @typedef {import("./channel.js").SystemEvents} SystemEvents
 * @typedef {import("./delivery.js").Snapshot} Snapshot
 * @typedef {import("./status.js").State} State
 * @typedef {import("./status.js").Status} Status
 * @typedef {import("./presence.js").Presence} Presence
 * @typedef {import("./protocol.js").Member} Member
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./protocol.js").Publication} Publication
 * @typedef {import("./protocol.js").PublishOptions} PublishOptions
 * @typedef {import("./protocol.js").Receipt} Receipt
 * @typedef {import("./subscription.js").Break} Break
 * @typedef {import("./token.js").GivenToken} GivenToken
 * @typedef {import("./token.js").TokenSource} TokenSource
 * @typedef {"websocket" | "stream" | "poll"} TransportName
 *
 * @typedef {object} Options
 * @property {string} [host] the server: `https://rt.example.com`, `localhost:8000`, or a path on the
 *   page's own origin, `/rt`; without it the one that this module was loaded from
 * @property {string} [url] the same as `host`
 * @property {TokenSource} [token] who the user is; without it the page is a guest, for channels that are
 *   open to guests: a token of your back end, or a function that fetches
 *   one, as text or as the response of `fetch`. Only with a function can it be renewed before it ends
 * @property {TokenSource} [jwt] the same as `token`
 * @property {number} [queue] how many client publishes may wait while there is no connection; with 0,
 *   the default, they are refused then
 * @property {import("./connection.js").SocketClass} [WebSocket] where there is no global one
 *
 * @typedef {object} SubscribeOptions
 * @property {number} [history] begin with up to so many of the last events
 * @property {Position} [since] begin after this position, for example that of the page as it was rendered
 * @property {(gap: GapDetail) => void} [onGap] the same as `on("river:gap", ...)`
 * @property {Snapshot} [snapshot] called at the start and after each gap to load
 *   the application's state, again and again until it succeeds. Events wait meanwhile. When it returns a
 *   position, those up to there are left out, so that nothing is missed and nothing applied twice
 *
 * @typedef {object} ClientEvents
 * @property {Status} state the connection's state changed
 */
/**
 * @template [E=Record<string, unknown>]
 * @typedef {import("./channel.js").Channel<E>} Channel
 */
/** One connection to a River server, and the channels on it. */
export declare class River {
    #private;
    /**
     * Begin to connect.
     *
     * On a server (Node, Deno, Bun) it begins with `connect()`, so that a module that is imported there for
     * rendering opens nothing; or at once when a `WebSocket` class is given.
     *
     * @param {Options} [options]
     * @param {import("./platform.js").Platform} [platform] for tests and unusual runtimes
     * @throws {RiverError} `host_invalid` or `token_missing`
     */
    constructor(options?: Options, platform?: import("./platform.js").Platform);
    /**
     * The user that the server took the token for; null before.
     *
     * @returns {string | null}
     */
    get user(): string | null;
    /**
     * `connecting`, `connected`, `waiting` (for the next attempt) or `closed`.
     *
     * @returns {import("./status.js").State}
     */
    get state(): import("./status.js").State;
    /**
     * What the back end publishes to this page's user, on whatever page: a channel without a subscription.
     *
     * @returns {Channel<any>}
     */
    get me(): Channel<any>;
    /** This page's session, for `exclude`; null before a connection. It survives reconnecting. */
    get session(): string | null;
    /**
     * How the server is reached: `websocket`, or where those do not come through `stream` or `poll`.
     *
     * @returns {TransportName}
     */
    get transport(): TransportName;
    /** Why the client is in this state, in plain words. */
    get reason(): string;
    /**
     * Connect: on a server, after `disconnect`, or when the server had ended the connection. Channels go on
     * where they were.
     *
     * @throws {RiverError} `host_invalid` or `token_missing`
     */
    connect(): void;
    /** Close the connection and stay closed until `connect`. Channels keep their positions. */
    disconnect(): void;
    /**
     * Subscribe to a channel, whether there is a connection or not.
     *
     * It counts its users: each `subscribe` is ended by one `unsubscribe`.
     *
     * @template [E=Record<string, unknown>]
     * @param {string} name
     * @param {SubscribeOptions} [options]
     * @returns {Channel<E>} for the same name the same object, with the options of
     *   the first call, until it is unsubscribed
     * @throws {RiverError} `channel_invalid` when the name is no text
     */
    subscribe<E = Record<string, unknown>>(name: string, options?: SubscribeOptions): Channel<E>;
    /**
     * End one `subscribe`. After the last one the channel is left, and no callback is called any more.
     *
     * @param {string} name
     */
    unsubscribe(name: string): void;
    /**
     * Publish an event in a channel, if the token grants it.
     *
     * @param {string} channel
     * @param {string} event
     * @param {unknown} data anything that JSON can say
     * @param {PublishOptions} [options]
     * @returns {Promise<Receipt>} where it stands in the channel. Rejected with the server's code;
     *   `not_connected` (or, with the option `queue`, `queue_full`) when it was not sent;
     *   `too_large` when it is longer than the server takes; `connection_lost` or `timeout` when nobody knows whether it was published
     */
    publish(channel: string, event: string, data: unknown, options?: PublishOptions): Promise<Receipt>;
    /**
     * Ask for what was published in a channel, subscribed or not.
     *
     * @param {string} channel
     * @param {{limit?: number, after?: Position}} [options] `limit`: at most so many; `after`: those that
     *   follow this position; without it the last ones
     * @returns {Promise<Position & {publications: Publication[]}>} oldest first;
     *   rejected with `unrecoverable` when the log does not reach back to `after`. Without a connection it
     *   waits for one
     */
    history(channel: string, { limit, after }?: {
        limit?: number;
        after?: Position;
    }): Promise<Position & {
        publications: Publication[];
    }>;
    /**
     * Call back when something happens to the connection.
     *
     * @template {keyof ClientEvents} K
     * @param {K} name
     * @param {(detail: ClientEvents[K]) => void} callback
     * @returns {this}
     */
    on<K extends keyof ClientEvents>(name: K, callback: (detail: ClientEvents[K]) => void): this;
    /**
     * End what `on` began, for one callback or for all of the name.
     *
     * @template {keyof ClientEvents} K
     * @param {K} name
     * @param {(detail: ClientEvents[K]) => void} [callback]
     * @returns {this}
     */
    off<K extends keyof ClientEvents>(name: K, callback?: (detail: ClientEvents[K]) => void): this;
    /**
     * Print what is sent and received, and each change of state, with tokens left out.
     *
     * @param {((line: string, what: unknown) => void) | false} [print] false ends it
     */
    debug(print?: ((line: string, what: unknown) => void) | false): void;
}
