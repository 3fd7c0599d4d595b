/** Up to fifty channels over plain HTTP: one stream, or one poll after the other. */
/** How many channels, and how many letters of their names, one request has. */
export declare const CHANNELS_MAX = 50;
export type Position = import("./protocol.js").Position;
export type Message = Record<string, any>;
export type FeedChannel = {
    /**
     * the client's number of the question that is open
     */
    id?: unknown;
    /**
     * whether one is
     */
    isAsked: boolean;
    position?: Position;
    /**
     * how many events of the past are asked for, while they may come
     */
    history: number;
    answeredAt: number;
};
export type Owner = {
    url: string;
    polls: boolean;
    /**
     * with the token
     */
    headers: () => Record<string, string>;
    /**
     * of the session
     */
    secret: string | undefined;
    message: (message: Message, feed: Feed) => void;
    /**
     * nothing more can be had
     */
    end: (code: number, reason: string, refusal?: Message) => void;
};
export type Run = {
    names: string[];
    abort: AbortController;
    spokeAt: number;
    isSilent: boolean;
};
/**
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {Record<string, any>} Message
 *
 * @typedef {object} FeedChannel
 * @property {unknown} [id] the client's number of the question that is open
 * @property {boolean} isAsked whether one is
 * @property {Position} [position]
 * @property {number} history how many events of the past are asked for, while they may come
 * @property {number} answeredAt
 *
 * @typedef {object} Owner
 * @property {string} url
 * @property {boolean} polls
 * @property {() => Record<string, string>} headers with the token
 * @property {string | undefined} secret of the session
 * @property {(message: Message, feed: Feed) => void} message
 * @property {(code: number, reason: string, refusal?: Message) => void} end nothing more can be had
 *
 * @typedef {{names: string[], abort: AbortController, spokeAt: number, isSilent: boolean}} Run
 */
/**
 * Opens another request before it ends the one before: then nobody leaves a presence channel, and what
 * both bring is told apart by its offset.
 */
export declare class Feed {
    #private;
    /** @type {Map<string, FeedChannel>} */
    channels: Map<string, FeedChannel>;
    /** @type {FeedChannel} that of the token's user: the server subscribes to it */
    own: FeedChannel;
    /** When something came last, by the wall clock: others stand still while a machine sleeps. */
    heardAt: number;
    /** @param {Owner} owner */
    constructor(owner: Owner);
    get isPolling(): boolean;
    /** Whether something came lately enough for the server to be there. */
    get isAlive(): boolean;
    /** @param {string} name */
    hasRoomFor(name: string): boolean;
    /** Ask anew, with the channels and the token as they are then. */
    restart(delayMs?: number): void;
    close(): void;
}
