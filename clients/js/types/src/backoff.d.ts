/** How long to wait before the next attempt. */
/**
 * Full jitter: any time between zero and a ceiling that doubles with each attempt.
 *
 * Clients that lost the same server in the same moment come back evenly spread and not in a second wave.
 *
 * @param {number} attempt how many attempts in a row have failed before
 * @param {() => number} random a number from 0 up to, not including, 1
 * @param {number} [spreadMs] the ceiling is at least so high
 * @returns {number} milliseconds
 */
export declare function backoff(attempt: number, random: () => number, spreadMs?: number): number;
/**
 * Full jitter below a ceiling that is as high as the outage is old.
 *
 * Whenever the server returns, its clients come back evenly, over at most the time that they missed. A
 * ceiling that doubles with each attempt lets a third of them come back in the first second, and the
 * last ones very late: by chance some have tried more often than others.
 *
 * @param {number} outageMs how long there was no connection
 * @param {() => number} random a number from 0 up to, not including, 1
 * @returns {number} milliseconds
 */
export declare function outageBackoff(outageMs: number, random: () => number): number;
