/** Errors that carry the code of what went wrong. */

/**
 * The one error class of River's client.
 *
 * Codes of the server are handed on as they are (`forbidden`, `channel_invalid`, ...). The client adds
 * `host_invalid`, `token_missing`, `token_failed`, `not_connected`, `queue_full`,
 * `too_large`, `connection_lost`, `timeout`, `disconnected` and `snapshot_failed`.
 */
export class RiverError extends Error {
  name = "RiverError";

  /**
   * @param {string} code what went wrong, for programs
   * @param {string} message what went wrong, for people
   * @param {{cause?: unknown}} [options] the error behind this one
   */
  constructor(code, message, options) {
    super(message, options);
    /** What went wrong, for programs. */
    this.code = code;
  }
}
