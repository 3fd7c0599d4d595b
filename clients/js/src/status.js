/** How a connection stands, why the last one ended, and what that asks of the client. */

/**
 * @typedef {"connecting" | "connected" | "waiting" | "closed"} State
 *
 * @typedef {{state: State, reason: string, retryInMs?: number, code?: number, error?: Error}} Status
 *   `reason` in plain words; `retryInMs` while waiting; `code` the close code, when a connection ended;
 *   `error` the error behind it, when there is one
 */

/** This side's own closes: what came is not River's protocol, or came faster than the page could take it. */
export const GARBAGE = { code: 4000, reason: "what answers there is not River" };
export const OVERFLOW = { code: 4001, reason: "the page could not keep up" };

/**
 * Whether a client that was closed so stays closed: the same would happen again.
 *
 * @param {number} code
 * @param {boolean} renewable whether another token can be had
 */
export function isFinal(code, renewable) {
  return code === 4400 || code === 4403 || (code === TOKEN_REFUSED && !renewable);
}

/** The server does not take the token. */
export const TOKEN_REFUSED = 4401;

/**
 * Why a connection ended, in plain words: the server's own if it gave any.
 *
 * @param {number} code
 * @param {string | undefined} reason
 * @param {boolean} connected whether the connection had come about
 */
export function describeClose(code, reason, connected) {
  if (code !== 1006) return reason || `closed by the server (${code})`;
  return connected ? reason || "the connection was lost" : "the server cannot be reached";
}
