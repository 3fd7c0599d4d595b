/** Tokens, signed on the spot: JSON Web Tokens with HS256. */

import { createHmac } from "node:crypto";
import { invalid } from "./error.js";
import { checkNames } from "./options.js";

const SECRET_BYTES_MIN = 32;
const TTL_S = 3_600;
const TTL_S_MAX = 30 * 24 * 3_600;
const USER_LENGTH_MAX = 256;
const TOKEN_LENGTH_MAX = 16_384;
const GRANTS_MAX = 100;
const INFO_BYTES_MAX = 4_096;
const WANTED = {
  of: "token",
  known: ["user", "ttl_s", "channels", "subscribe", "publish", "info"],
  old: ["ttl"],
};

/**
 * @typedef {object} Wanted
 * @property {string} user whose token it is; the name that the server knows the connection by
 * @property {number} [ttl_s] how many seconds it is good for, 3,600 by default
 * @property {string[]} [channels] names of channels that it opens as well, taken literally: for names that
 *   hold a user's id. **Without `subscribe` they limit nothing**
 * @property {string[]} [subscribe] globs of the channels that it opens; **without it all but private ones**
 * @property {string[]} [publish] globs of the channels that it may publish in; without it none
 * @property {Record<string, unknown>} [info] what others see of the user on presence channels
 *
 * @typedef {{secret: string, issuer?: string, audience?: string}} Signature
 */

/**
 * @param {string} secret
 * @returns {string} the same
 */
export function checkSecret(secret) {
  if (typeof secret === "string" && Buffer.byteLength(secret) >= SECRET_BYTES_MIN) return secret;
  throw invalid(`secret: at least ${SECRET_BYTES_MIN} bytes, as RIVER_SECRETS has it`);
}

/**
 * @param {Wanted} wanted
 * @returns {Wanted & {ttl_s: number}} the same, with the time filled in
 */
export function checkWanted(wanted) {
  checkNames(wanted, WANTED);
  const { ttl = TTL_S, ...rest } = /** @type {Wanted & {ttl?: number}} */ (wanted);
  const checked = { ...rest, ttl_s: wanted.ttl_s ?? ttl };
  const { user, ttl_s, channels = [], subscribe = [], publish = [] } = checked;
  if (typeof user !== "string" || !user || [...user].length > USER_LENGTH_MAX)
    throw invalid(`user: a text of 1 to ${USER_LENGTH_MAX} characters`);
  if (!Number.isInteger(ttl_s) || ttl_s < 1 || ttl_s > TTL_S_MAX)
    throw invalid(`ttl_s: 1 to ${TTL_S_MAX} whole seconds`);
  // A single text would be taken for a list of its letters somewhere.
  if (![channels, subscribe, publish].every(Array.isArray))
    throw invalid("channels, subscribe, publish: lists of texts");
  if ([channels, subscribe, publish].some((list) => list.length > GRANTS_MAX))
    throw invalid(`channels, subscribe, publish: at most ${GRANTS_MAX} texts in one token`);
  if (Buffer.byteLength(JSON.stringify(checked.info ?? null)) > INFO_BYTES_MAX)
    throw invalid(`info: at most ${INFO_BYTES_MAX} bytes of JSON`);
  return checked;
}

/**
 * A token for a user.
 *
 * @param {Wanted & {ttl_s: number}} wanted
 * @param {Signature} signature
 * @param {number} nowMs milliseconds since 1970
 */
export function signed({ user, ttl_s, ...grants }, signature, nowMs) {
  const { secret, issuer, audience } = signature;
  const now = Math.floor(nowMs / 1_000);
  const river = Object.values(grants).some((grant) => grant !== undefined) ? grants : undefined;
  const claims = { sub: user, iat: now, exp: now + ttl_s, iss: issuer, aud: audience, river };
  const content = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  const token = `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
  if (token.length <= TOKEN_LENGTH_MAX) return token;
  throw invalid(`the token would be longer than ${TOKEN_LENGTH_MAX} characters`);
}

/** @param {object} value */
function part(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
