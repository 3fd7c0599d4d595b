/** How long to wait before the next attempt. */

const BASE_MS = 500;
const CAP_MS = 20_000;

/**
 * Full jitter: any time between zero and a ceiling that doubles with each attempt.
 *
 * Clients that lost the same server in the same moment come back evenly spread and not in a second wave.
 *
 * @param {number} attempt how many attempts in a row have failed before
 * @param {() => number} random a number from 0 up to, not including, 1
 * @returns {number} milliseconds
 */
export function backoff(attempt, random) {
  return Math.floor(random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt));
}
