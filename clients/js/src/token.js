/** Where tokens come from. */

import { RiverError } from "./errors.js";
import { TOKEN_MS } from "./limits.js";
import { within } from "./platform.js";

/**
 * @typedef {string | {token: string} | Response} GivenToken the token, also as `{"token": "..."}`, or a
 *   response whose text is one of these
 * @typedef {string | (() => GivenToken | Promise<GivenToken>)} TokenSource
 */

/**
 * Get a token.
 *
 * @param {TokenSource} source
 * @param {import("./platform.js").Platform} platform
 * @returns {Promise<string>} rejected with `token_failed` when the application throws, gives something
 *   else or does not answer in 10 s
 */
export async function askToken(source, platform) {
  try {
    if (typeof source === "string") return checked(source);
    return checked(await within(TOKEN_MS, given(source), platform));
  } catch (/** @type {any} */ cause) {
    const words = `no token: ${cause?.message ?? cause}`;
    throw new RiverError("token_failed", words, { cause });
  }
}

/** @param {() => GivenToken | Promise<GivenToken>} source */
async function given(source) {
  const value = /** @type {Response} */ (await source());
  if (!value?.text) return value;
  // biome-ignore lint/complexity/useLiteralKeys: the build shortens a `status` without quotes, its own
  if (!value.ok) throw new Error(`${value.url} answered ${value["status"]}`);
  return value.text();
}

/** @param {any} given */
function bare(given) {
  let value = given;
  try {
    value = JSON.parse(given);
  } catch {
    // It is the token itself, or an object with it.
  }
  return value?.token ?? given;
}

/** @param {unknown} given never shown: it is a secret */
function checked(given) {
  const token = bare(given);
  if (typeof token !== "string") throw new TypeError(`it is ${typeof token}`);
  const text = token.trim();
  if (/^[\w.~+/=-]+$/.test(text)) return text;
  const what = text ? "not the bare text" : "empty";
  throw new TypeError(`it is ${text[0] === "<" ? "an HTML page" : what}`);
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
