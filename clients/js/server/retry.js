/** Whether a request is sent again, and when. */

const BASE_MS = 100;
const CAP_MS = 5_000;
/** What a proxy or the server answers when it may work a moment later. */
const PASSING = new Set([429, 500, 502, 503, 504]);
const PASSING_CODES = new Set(["broker_unavailable", "unavailable", "internal", "unknown"]);

/**
 * Whether another attempt may succeed.
 *
 * @param {import("./error.js").RiverError} error
 */
export function passes({ status, code }) {
  if (status !== undefined) return PASSING.has(status);
  return code === "unreachable" || code === "timeout" || PASSING_CODES.has(code);
}

/**
 * How long to wait before the next attempt: full jitter, on top of what the server asked for.
 *
 * @param {number} attempt how many have failed before the last
 * @param {number} retryAfterMs what the server asked for
 * @param {() => number} random a number from 0 up to, not including, 1
 */
export function pauseMs(attempt, retryAfterMs, random) {
  return retryAfterMs + random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt);
}

/**
 * What `Retry-After` says; nothing of it when it is no number of seconds.
 *
 * @param {string | null} header
 */
export function retryAfterMs(header) {
  return header && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : 0;
}
