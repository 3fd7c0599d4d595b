/** Checks that a webhook comes from River, in time, and gives its events. */

import { createHmac, timingSafeEqual } from "node:crypto";
import { invalid, RiverError } from "./error.js";
import { checkNames } from "./options.js";

const TOLERANCE_S = 300;
const PREFIX = "whsec_";
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const OPTIONS = { of: "verifyWebhook", known: ["secret", "toleranceS"], old: [] };

/**
 * @typedef {object} WebhookEvent one event; see docs/webhooks.md for what each type has
 * @property {string} id the same each time that the event is sent
 * @property {string} type
 * @property {number} time_ms when it happened, in unix milliseconds
 * @property {string} [channel]
 * @property {string} [user]
 * @property {unknown} [info]
 * @property {string} [event]
 * @property {unknown} [data]
 * @property {string} [session]
 * @property {number} [subscribers]
 * @property {string} [reason]
 * @property {{complete: boolean, users: string[], channels: {channel: string, subscribers: number,
 *   members?: string[]}[]}} [state]
 *
 * @typedef {object} WebhookOptions
 * @property {string | string[]} secret the webhook's `secret` in RIVER_WEBHOOKS, or several while it changes
 * @property {number} [toleranceS] how old a request may be, and by how much clocks may differ; 300 by default
 */

/**
 * The events of a webhook, once its signature was checked. The same event may come twice, with the same
 * `id` both times.
 *
 * @param {string | Uint8Array} body the request's body as it came, before any parser
 * @param {Headers | Record<string, string | string[] | undefined>} headers the request's headers
 * @param {WebhookOptions} options
 * @returns {WebhookEvent[]}
 * @throws {RiverError} `webhook_invalid`: it is not signed with one of the secrets, or too old
 */
export function verifyWebhook(body, headers, options) {
  checkNames(options, OPTIONS);
  const secrets = [options.secret].flat();
  if (
    secrets.length === 0 ||
    !secrets.every((secret) => typeof secret === "string" && secret !== "")
  ) {
    throw invalid("secret: the webhook's secret, or several");
  }
  const id = headerOf(headers, "webhook-id");
  const timestamp = headerOf(headers, "webhook-timestamp");
  const signatures = headerOf(headers, "webhook-signature");
  const given = signatures.split(" ").filter((one) => one.startsWith("v1,"));
  const made = secrets.map((secret) =>
    createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest("base64"),
  );
  if (!made.some((one) => given.some((other) => areEqual(`v1,${one}`, other)))) {
    throw refused("the signature is not one of this secret");
  }
  const toleranceS = options.toleranceS ?? TOLERANCE_S;
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceS) {
    throw refused(`it was sent more than ${toleranceS} s ago, or clocks differ`);
  }
  return JSON.parse(Buffer.from(body).toString()).events;
}

/**
 * @param {Headers | Record<string, string | string[] | undefined>} headers
 * @param {string} name
 */
function headerOf(headers, name) {
  const found =
    headers instanceof Headers
      ? headers.get(name)
      : Object.entries(headers).find(([one]) => one.toLowerCase() === name)?.[1];
  if (typeof found !== "string") throw refused(`the header ${name} is missing`);
  return found;
}

/** @param {string} secret */
function keyOf(secret) {
  if (!secret.startsWith(PREFIX)) return Buffer.from(secret);
  const coded = secret.slice(PREFIX.length);
  if (!BASE64.test(coded)) throw invalid("secret: what follows whsec_ is not Base64");
  return Buffer.from(coded, "base64");
}

/**
 * @param {string} one
 * @param {string} other
 */
function areEqual(one, other) {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

/** @param {string} message */
function refused(message) {
  return new RiverError("webhook_invalid", message);
}
