/** The error of the back end's client. */
import { RiverError as ClientError } from "../src/errors.js";
/**
 * A request that was not served.
 *
 * Codes of the server are handed on as they are (`channel_invalid`, `api_key_invalid`, ...). The library
 * adds `unreachable`, `timeout`, `unexpected_answer` (what answers there is not River's publish API),
 * `data_invalid` (JSON has no such value) and `option_invalid`.
 */
export declare class RiverError extends ClientError {
    /** The HTTP status of the answer, when there was one. */
    status: number | undefined;
    /**
     * Whether nobody knows if the server did what it was asked. A publish may then be sent again with
     * the same `id`: it is published once.
     */
    uncertain: boolean;
    /** The idempotency key of the publish that failed. */
    id: string | undefined;
    /**
     * @param {string} code what went wrong, for programs
     * @param {string} message what went wrong, for people
     * @param {{status?: number, uncertain?: boolean, id?: string, cause?: unknown}} [more]
     */
    constructor(code: string, message: string, { status, uncertain, id, cause }?: {
        status?: number;
        uncertain?: boolean;
        id?: string;
        cause?: unknown;
    });
}
/**
 * The error of an option that cannot be used.
 *
 * @param {string} message
 */
export declare function invalid(message: string): RiverError;
