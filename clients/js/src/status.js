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
export const OVERFLOW = { code: 4001, reason: "more came in than the page could handle" };

/**
 * What a close code asks of the client.
 *
 * @param {number} code
 * @returns {"stop" | "token" | "retry"} stay closed, come back with another token, or just come back
 */
export function afterClose(code) {
  if (code === 4400 || code === 4403) return "stop";
  return code === 4401 ? "token" : "retry";
}

/**
 * Why a connection ended, in plain words: the server's own if it gave any.
 *
 * @param {number} code
 * @param {string | undefined} reason
 * @param {boolean} connected whether the connection had come about
 */
export function describeClose(code, reason, connected) {
  if (code === 1006 && !connected) return "the server cannot be reached";
  const lost = code === 1006 && "the connection was lost";
  return reason || lost || `the server closed the connection (${code})`;
}
