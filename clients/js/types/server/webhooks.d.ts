/** Checks that a webhook comes from River, in time, and gives its events. */
export type WebhookEvent = {
    /**
     * the same each time that the event is sent
     */
    id: string;
    type: string;
    /**
     * when it happened, in unix milliseconds
     */
    time_ms: number;
    channel?: string;
    user?: string;
    info?: unknown;
    event?: string;
    data?: unknown;
    session?: string;
    subscribers?: number;
    reason?: string;
    state?: {
        complete: boolean;
        users: string[];
        channels: {
            channel: string;
            subscribers: number;
            members?: string[];
        }[];
    };
};
export type WebhookOptions = {
    /**
     * the webhook's `secret` in RIVER_WEBHOOKS, or several while it changes
     */
    secret: string | string[];
    /**
     * how old a request may be, and by how much clocks may differ; 300 by default
     */
    toleranceS?: number;
};
/**
 * @typedef {object} WebhookEvent one event; see docs/webhooks.md for what each type has
 * @property {string} id the same each time that the event is sent
 * @property {string} type
 * @property {number} time_ms when it happened, in unix milliseconds
 * @property {string} [channel]
 * @property {string} [user]
 * @property {unknown} [info]
 * @property {string} [event]
 * @property {unknown} [data]
 * @property {string} [session]
 * @property {number} [subscribers]
 * @property {string} [reason]
 * @property {{complete: boolean, users: string[], channels: {channel: string, subscribers: number,
 *   members?: string[]}[]}} [state]
 *
 * @typedef {object} WebhookOptions
 * @property {string | string[]} secret the webhook's `secret` in RIVER_WEBHOOKS, or several while it changes
 * @property {number} [toleranceS] how old a request may be, and by how much clocks may differ; 300 by default
 */
/**
 * The events of a webhook, once its signature was checked. The same event may come twice, with the same
 * `id` both times.
 *
 * @param {string | Uint8Array} body the request's body as it came, before any parser
 * @param {Headers | Record<string, string | string[] | undefined>} headers the request's headers
 * @param {WebhookOptions} options
 * @returns {WebhookEvent[]}
 * @throws {RiverError} `webhook_invalid`: it is not signed with one of the secrets, or too old
 */
export declare function verifyWebhook(body: string | Uint8Array, headers: Headers | Record<string, string | string[] | undefined>, options: WebhookOptions): WebhookEvent[];
