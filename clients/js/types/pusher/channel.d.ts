/** The kinds of channels, in the form of pusher-js. */
import { Dispatcher } from "./dispatcher.js";
import { Encryption } from "./encryption.js";
import { Members } from "./members.js";
export type River = import("../src/river.js").River;
export type RiverError = import("../src/errors.js").RiverError;
export type Position = import("../src/protocol.js").Position;
export type Publication = import("../src/protocol.js").Publication;
export type Pusher = import("./pusher.js").Pusher;
/**
 * @typedef {import("../src/river.js").River} River
 * @typedef {import("../src/errors.js").RiverError} RiverError
 * @typedef {import("../src/protocol.js").Position} Position
 * @typedef {import("../src/protocol.js").Publication} Publication
 * @typedef {import("./pusher.js").Pusher} Pusher
 */
/**
 * A channel; `pusher.subscribe` makes it. It has `name`, `subscribed`, `subscriptionPending`, `trigger`, and
 * `bind`, `unbind`, `bind_global`, `unbind_global`, `unbind_all` as the whole client has them; one whose name
 * begins with `presence-` has `members`.
 */
export declare class PusherChannel extends Dispatcher {
    #private;
    name: string;
    pusher: import("./pusher.js").Pusher;
    subscribed: boolean;
    subscriptionPending: boolean;
    subscriptionCancelled: boolean;
    /** @type {null} River's own protocol does not report it */
    subscriptionCount: null;
    /** @type {Encryption | null} */
    encryption: Encryption | null;
    /**
     * @param {string} name
     * @param {Pusher} pusher
     * @param {River} river
     */
    constructor(name: string, pusher: Pusher, river: River);
    /**
     * Send an event to the others on the channel.
     *
     * @param {string} event begins with `client-`
     * @param {unknown} data
     * @returns {boolean} whether it was sent
     */
    trigger(event: string, data: unknown): boolean;
    /** Subscribe; again after a refusal. For `pusher.subscribe`. */
    subscribe(): void;
    /** For `pusher.unsubscribe`. */
    unsubscribe(): void;
    /** The connection is there: the server is asked, after who has the key. */
    pending(): void;
    /** The connection is gone. */
    disconnect(): void;
    /** @type {import("../src/river.js").SubscribeOptions} of River's client */
    get options(): import("../src/river.js").SubscribeOptions;
    /**
     * @param {{recovered: boolean} & Position} detail
     * @returns {void}
     */
    live({ recovered }: {
        recovered: boolean;
    } & Position): void;
    /** @param {import("../src/channel.js").Channel<any>} _channel to listen to for more */
    listen(_channel: import("../src/channel.js").Channel<any>): void;
    /**
     * @param {Publication | import("../src/channel.js").EventDetail} event
     * @returns {void}
     */
    received({ event, data, user }: Publication | import("../src/channel.js").EventDetail): void;
    /**
     * @param {string | undefined} _user whose event it is
     * @returns {{user_id?: string}}
     */
    metadata(_user: string | undefined): {
        user_id?: string;
    };
    /** @param {unknown} data */
    succeeded(data: unknown): void;
    /** No event is cached. */
    missed(): void;
}
/** Its last event is kept: who subscribes gets it, or `pusher:cache_miss`. */
export declare class CacheChannel extends PusherChannel {
    #private;
    /**
     * @param {string} name
     * @param {Pusher} pusher
     * @param {River} river
     */
    constructor(name: string, pusher: Pusher, river: River);
    get options(): {
        history: number;
    };
    /** @param {{recovered: boolean} & Position} detail */
    live(detail: {
        recovered: boolean;
    } & Position): void;
    /** @param {Publication | import("../src/channel.js").EventDetail} event */
    received(event: Publication | import("../src/channel.js").EventDetail): void;
}
/** It has members. */
export declare class PresenceChannel extends PusherChannel {
    #private;
    members: Members;
    /**
     * @param {string} name
     * @param {Pusher} pusher
     * @param {River} river
     */
    constructor(name: string, pusher: Pusher, river: River);
    disconnect(): void;
    /** The list of members follows, and with it the subscription has succeeded. */
    live(): void;
    /** @param {import("../src/channel.js").Channel<any>} channel */
    listen(channel: import("../src/channel.js").Channel<any>): void;
    /** @param {string | undefined} user */
    metadata(user: string | undefined): {
        user_id?: undefined;
    } | {
        user_id: string;
    };
}
/**
 * @param {string} name
 * @param {Pusher} pusher
 * @param {River} river
 * @returns {PusherChannel}
 */
export declare function newChannel(name: string, pusher: Pusher, river: River): PusherChannel;
