/** Between the channels of a page and the server: what is subscribed, and who a message is for. */
import { Delivery } from "./delivery.js";
import { Emitter } from "./emitter.js";
import { Transport } from "./transport.js";
import { Warnings } from "./warnings.js";
export type Connection = import("./connection.js").Connection;
export type Status = import("./status.js").Status;
export type ServerMessage = import("./protocol.js").ServerMessage;
export type SubscribeOptions = import("./river.js").SubscribeOptions;
export type Pushed = Exclude<import("./protocol.js").ChannelMessage, import("./protocol.js").Subscribed>;
/**
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./status.js").Status} Status
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
 * @typedef {import("./river.js").SubscribeOptions} SubscribeOptions
 * @typedef {Exclude<import("./protocol.js").ChannelMessage, import("./protocol.js").Subscribed>} Pushed
 */
/** Owns the deliveries of all channels, and does what the transport reports. */
export declare class Hub {
    #private;
    /** @type {string | null} the user that the server took the token for; null before */
    user: string | null;
    /**
     * Who this page is to publishers: the session of its first connection, which later ones continue as long
     * as servers know it again.
     *
     * @type {string | null}
     */
    session: string | null;
    /** @type {string | undefined} what proves to a server whose session this is */
    secret: string | undefined;
    /** @type {Transport | null} null until there is a reason to connect */
    transport: Transport | null;
    /** @type {((line: string, what: unknown) => void) | null} prints what is sent and received */
    trace: ((line: string, what: unknown) => void) | null;
    /** The channel of the page's user. @type {Delivery} */
    own: Delivery;
    /** @type {import("./connection.js").Where | undefined} the server, once there was a reason to connect */
    where: import("./connection.js").Where | undefined;
    emitter: Emitter;
    warnings: Warnings;
    platform: {
        steadyMs: () => number;
        wallMs: () => number;
        random: () => number;
        setTimer: (task: () => void, delayMs: number) => unknown;
        clearTimer: (timer: any) => void;
        defer: (task: () => void) => void;
        report: (error: unknown) => void;
        warn: (text: string) => void;
        watch: (notify: (signal: import("./platform.js").Signal) => void) => () => void;
        now: () => number;
    };
    /**
     * @param {import("./river.js").River} river
     * @param {import("./river.js").Options} options
     * @param {import("./platform.js").Platform} platform
     */
    constructor(river: import("./river.js").River, options: import("./river.js").Options, platform: import("./platform.js").Platform);
    get state(): import("./status.js").State;
    /** @throws {RiverError} `host_invalid` or `token_missing` */
    connect(): void;
    /**
     * Count one user more of a channel, and ask the server for it.
     *
     * @param {string} name
     * @param {SubscribeOptions} options
     */
    subscribe(name: string, options: SubscribeOptions): import("./channel.js").Channel<any>;
    /** @param {string} name */
    unsubscribe(name: string): void;
    /**
     * @param {import("./protocol.js").ClientMessage} message
     * @param {number} queueMax how many such may wait for a connection
     * @returns {Promise<any>} what the answer says
     */
    request(message: import("./protocol.js").ClientMessage, queueMax: number): Promise<any>;
    /**
     * The token was sent: what is sent now follows it in the same round trip.
     *
     * @param {Connection} connection
     */
    opened(connection: Connection): void;
    /**
     * A message arrived.
     *
     * @param {ServerMessage} message
     * @param {Connection} connection
     */
    arrived(message: ServerMessage, connection: Connection): void;
    /**
     * The connection in use has another status.
     *
     * @param {Status} status
     */
    changed(status: Status): void;
    /**
     * Nothing will be answered on it any more.
     *
     * @param {Connection} connection
     */
    lost(connection: Connection): void;
    /**
     * Whether nothing is awaited on it any more.
     *
     * @param {Connection} connection
     */
    isFree(connection: Connection): boolean;
    /**
     * Called every few seconds, unless closed.
     *
     * @param {number} now
     */
    tick(now: number): void;
    /**
     * Where the page stands in its user's channel; asked once for each connection.
     *
     * @param {Connection} connection
     * @returns {{user_position: import("./protocol.js").Position} | null} null at the start
     */
    userPosition(connection: Connection): {
        user_position: import("./protocol.js").Position;
    } | null;
}
