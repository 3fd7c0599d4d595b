/** Errors that carry the code of what went wrong. */
/**
 * The one error class of River's client.
 *
 * Codes of the server are handed on as they are (`forbidden`, `channel_invalid`, ...). The client adds
 * `host_invalid`, `token_missing`, `token_failed`, `not_connected`, `queue_full`,
 * `too_large`, `connection_lost`, `timeout`, `disconnected` and `snapshot_failed`.
 */
export declare class RiverError extends Error {
    /** What went wrong, for programs. */
    code: string;
    name: string;
    /**
     * @param {string} code what went wrong, for programs
     * @param {string} message what went wrong, for people
     * @param {{cause?: unknown}} [options] the error behind this one
     */
    constructor(code: string, message: string, options?: {
        cause?: unknown;
    });
}
