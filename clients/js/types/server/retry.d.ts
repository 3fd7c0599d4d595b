/** Whether a request is sent again, and when. */
/**
 * Whether another attempt may succeed.
 *
 * @param {import("./error.js").RiverError} error
 */
export declare function passes({ status, code }: import("./error.js").RiverError): boolean;
/**
 * How long to wait before the next attempt: full jitter, on top of what the server asked for.
 *
 * @param {number} attempt how many have failed before the last
 * @param {number} retryAfterMs what the server asked for
 * @param {() => number} random a number from 0 up to, not including, 1
 */
export declare function pauseMs(attempt: number, retryAfterMs: number, random: () => number): number;
/**
 * What `Retry-After` says; nothing of it when it is no number of seconds.
 *
 * @param {string | null} header
 */
export declare function retryAfterMs(header: string | null): number;
