/** The API of pusher-js on River's own protocol. */
import { PusherConnection } from "./connection.js";
import { Dispatcher } from "./dispatcher.js";
import { PusherUser } from "./user.js";
export type Callback = import("./dispatcher.js").Callback;
export type Channel = import("./channel.js").PusherChannel;
export type PresenceChannel = import("./channel.js").PresenceChannel;
export type Members = import("./members.js").Members;
export type PusherOptions = {
    /**
     * who the user is and what it may do, as for `River`; without it
     * the page is a guest
     */
    token?: import("../src/token.js").TokenSource;
    /**
     * the same as `token`
     */
    jwt?: import("../src/token.js").TokenSource;
    /**
     * the server, as for `River`; instead of the next five
     */
    host?: string;
    /**
     * the same as `host`
     */
    url?: string;
    /**
     * the server's name
     */
    wsHost?: string;
    /**
     * its port without TLS, 80 by default
     */
    wsPort?: number;
    /**
     * its port with TLS, 443 by default
     */
    wssPort?: number;
    /**
     * a path before `/ws`; a page's name, `/t/...`, is left out
     */
    wsPath?: string;
    /**
     * false: no TLS, unless the page itself came with it
     */
    forceTLS?: boolean;
    /**
     * after so many milliseconds without a connection the state is
     * `unavailable`, 10,000 by default
     */
    unavailableTimeout?: number;
    /**
     * where there is no global one
     */
    WebSocket?: import("../src/connection.js").SocketClass;
    /**
     * `tweetnacl`, for `private-encrypted-` channels; who is
     * asked for their keys is said as for pusher-js, by one of the next four
     */
    nacl?: import("./encryption.js").NaCl;
    channelAuthorization?: import("./authorization.js").Endpoint;
    authorizer?: import("./authorization.js").Authorizer;
    authEndpoint?: string;
    auth?: import("./authorization.js").Asked["auth"];
};
export type Meaningless = "activityTimeout" | "authTransport" | "cluster" | "disableStats" | "disabledTransports" | "enableStats" | "enabledTransports" | "httpHost" | "httpPath" | "httpPort" | "httpsPort" | "ignoreNullOrigin" | "pongTimeout" | "statsHost" | "timelineParams" | "userAuthentication";
/**
 * @typedef {import("./dispatcher.js").Callback} Callback
 * @typedef {import("./channel.js").PusherChannel} Channel
 * @typedef {import("./channel.js").PresenceChannel} PresenceChannel
 * @typedef {import("./members.js").Members} Members
 *
 * @typedef {object} PusherOptions
 * @property {import("../src/token.js").TokenSource} [token] who the user is and what it may do, as for `River`; without it
 *   the page is a guest
 * @property {import("../src/token.js").TokenSource} [jwt] the same as `token`
 * @property {string} [host] the server, as for `River`; instead of the next five
 * @property {string} [url] the same as `host`
 * @property {string} [wsHost] the server's name
 * @property {number} [wsPort] its port without TLS, 80 by default
 * @property {number} [wssPort] its port with TLS, 443 by default
 * @property {string} [wsPath] a path before `/ws`; a page's name, `/t/...`, is left out
 * @property {boolean} [forceTLS] false: no TLS, unless the page itself came with it
 * @property {number} [unavailableTimeout] after so many milliseconds without a connection the state is
 *   `unavailable`, 10,000 by default
 * @property {import("../src/connection.js").SocketClass} [WebSocket] where there is no global one
 * @property {import("./encryption.js").NaCl} [nacl] `tweetnacl`, for `private-encrypted-` channels; who is
 *   asked for their keys is said as for pusher-js, by one of the next four
 * @property {import("./authorization.js").Endpoint} [channelAuthorization]
 * @property {import("./authorization.js").Authorizer} [authorizer]
 * @property {string} [authEndpoint]
 * @property {import("./authorization.js").Asked["auth"]} [auth]
 *
 * @typedef {"activityTimeout" | "authTransport" | "cluster" | "disableStats" | "disabledTransports" | "enableStats"
 *   | "enabledTransports" | "httpHost" | "httpPath" | "httpPort" | "httpsPort" | "ignoreNullOrigin"
 *   | "pongTimeout" | "statsHost" | "timelineParams" | "userAuthentication"} Meaningless
 *   options of pusher-js that mean nothing here
 */
/** The channels by their names. */
declare class Channels {
    /** @type {Record<string, Channel>} */
    channels: Record<string, Channel>;
    all(): import("./channel.js").PusherChannel[];
    /** @param {string} name */
    find(name: string): import("./channel.js").PusherChannel | undefined;
}
/** A connection to River with the API of pusher-js: each event once, also those that were missed. */
export declare class Pusher {
    #private;
    key: string;
    options: PusherOptions & Partial<Record<Meaningless, unknown>>;
    /** Whether what is sent and received is printed; set it before the first `new Pusher`. */
    static logToConsole: boolean;
    /** @type {((message: string) => void) | undefined} where it goes instead of the console */
    static log: ((message: string) => void) | undefined;
    connection: PusherConnection;
    user: PusherUser;
    channels: Channels;
    global_emitter: Dispatcher;
    /**
     * Connect.
     *
     * @param {string} key any text: the token says everything
     * @param {PusherOptions & Partial<Record<Meaningless, unknown>>} options
     * @throws {RiverError} `host_invalid` or `token_missing`
     */
    constructor(key: string, options: PusherOptions & Partial<Record<Meaningless, unknown>>);
    /** Connect again after `disconnect`: channels go on where they were. */
    connect(): void;
    /** Close the connection and stay closed until `connect`. */
    disconnect(): void;
    /**
     * Subscribe, whether there is a connection or not.
     *
     * @param {string} name
     * @returns {Channel} the same object for the same name, until it is unsubscribed; one whose name begins
     *   with `presence-` has `members`
     */
    subscribe(name: string): Channel;
    /**
     * Leave a channel.
     *
     * @param {string} name
     */
    unsubscribe(name: string): void;
    /** Leave all channels. */
    unsubscribeAll(): void;
    /**
     * A channel that was subscribed to.
     *
     * @param {string} name
     * @returns {Channel | undefined}
     */
    channel(name: string): Channel | undefined;
    /**
     * All channels that were subscribed to.
     *
     * @returns {Channel[]}
     */
    allChannels(): Channel[];
    /**
     * Call back for an event on whatever channel.
     *
     * @param {string} name
     * @param {Callback} callback
     * @param {unknown} [context] what `this` is for the callback
     * @returns {this}
     */
    bind(name: string, callback: Callback, context?: unknown): this;
    /**
     * End what `bind` began; each argument that is left out stands for all.
     *
     * @param {string} [name]
     * @param {Callback} [callback]
     * @param {unknown} [context]
     * @returns {this}
     */
    unbind(name?: string, callback?: Callback, context?: unknown): this;
    /**
     * Call back for every event on every channel.
     *
     * @param {(name: string, data: any) => void} callback
     * @returns {this}
     */
    bind_global(callback: (name: string, data: any) => void): this;
    /**
     * End what `bind_global` began.
     *
     * @param {Callback} [callback] without it all
     * @returns {this}
     */
    unbind_global(callback?: Callback): this;
    /**
     * End what `bind` and `bind_global` began; callbacks of channels stay.
     *
     * @returns {this}
     */
    unbind_all(): this;
    /** Have the events of the token's user come to `pusher.user`. */
    signin(): void;
    /**
     * Send a client event; `channel.trigger` does it.
     *
     * @param {string} event
     * @param {unknown} data
     * @param {string} [channel]
     * @returns {boolean} whether it was sent; a refusal comes as `error` of `pusher.connection`
     */
    send_event(event: string, data: unknown, channel?: string): boolean;
    /** @param {{event: string, channel?: string, data: unknown}} message */
    said(message: {
        event: string;
        channel?: string;
        data: unknown;
    }): void;
}
export default Pusher;
