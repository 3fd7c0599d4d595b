/** The error of the back end's client. */

import { RiverError as ClientError } from "../src/errors.js";

/**
 * A request that was not served.
 *
 * Codes of the server are handed on as they are (`channel_invalid`, `api_key_invalid`, ...). The library
 * adds `unreachable`, `timeout`, `unexpected_answer` (what answers there is not River's publish API),
 * `data_invalid` (JSON has no such value) and `option_invalid`.
 */
export class RiverError extends ClientError {
  /**
   * @param {string} code what went wrong, for programs
   * @param {string} message what went wrong, for people
   * @param {{status?: number, uncertain?: boolean, id?: string, cause?: unknown}} [more]
   */
  constructor(code, message, { status, uncertain = false, id, cause } = {}) {
    super(code, message, { cause });
    /** The HTTP status of the answer, when there was one. */
    this.status = status;
    /**
     * Whether nobody knows if the server did what it was asked. A publish may then be sent again with
     * the same `id`: it is published once.
     */
    this.uncertain = uncertain;
    /** The idempotency key of the publish that failed. */
    this.id = id;
  }
}

/**
 * The error of an option that cannot be used.
 *
 * @param {string} message
 */
export function invalid(message) {
  return new RiverError("option_invalid", message);
}
