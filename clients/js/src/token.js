/** Where tokens come from. */

import { RiverError } from "./errors.js";
import { TOKEN_MS } from "./limits.js";

/** @typedef {string | (() => string | Promise<string>)} TokenSource */

/**
 * Get a token.
 *
 * @param {TokenSource} source
 * @param {import("./platform.js").Platform} platform
 * @returns {Promise<string>} rejected with `token_failed` when the application throws, gives something
 *   else or does not answer in 10 s
 */
export async function askToken(source, platform) {
  if (typeof source === "string") return source;
  /** @type {unknown} */
  let timer;
  try {
    const token = await Promise.race([
      source(),
      new Promise((_, reject) => {
        timer = platform.setTimer(() => reject(new Error("no answer in 10 s")), TOKEN_MS);
      }),
    ]);
    if (typeof token === "string" && token) return token;
    throw new TypeError("it gave no text");
  } catch (/** @type {any} */ cause) {
    const words = `the token function failed: ${cause?.message ?? cause}`;
    throw new RiverError("token_failed", words, { cause });
  } finally {
    platform.clearTimer(timer);
  }
}

/**
 * When to ask for the next token: after 80% of this one's life, and some seconds before its end.
 *
 * @param {number | null} remainingMs by the client's clock
 */
export function renewInMs(remainingMs) {
  if (remainingMs === null) return Infinity;
  // The server has just taken the token, so it is the client's clock that is wrong.
  if (remainingMs <= 0) return 60_000;
  return Math.max(Math.min(remainingMs * 0.8, remainingMs - 10_000), remainingMs / 2);
}
