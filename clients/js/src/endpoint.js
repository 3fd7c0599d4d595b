/** Where the server is. */

import { RiverError } from "./errors.js";

/**
 * The WebSocket address of a server.
 *
 * @param {string | undefined} host a URL, or just `name:port`; undefined is where this module came from
 * @param {string} moduleUrl where this module came from
 * @param {string} [pageProtocol] `https:` makes a host without a scheme a secure one
 * @returns {string}
 */
export function endpoint(host, moduleUrl, pageProtocol) {
  const given = host ?? moduleUrl?.match(/^https?:\/\/[^/]+/)?.[0] ?? "";
  const scheme = pageProtocol === "https:" ? "wss" : "ws";
  try {
    const full = given.includes("://") ? given.replace(/^http/i, "ws") : `${scheme}://${given}`;
    const { protocol, origin, pathname } = new URL(full);
    if (/^wss?:$/.test(protocol)) return origin + pathname.replace(/(\/ws)?\/*$/, "/ws");
  } catch {
    // What cannot be parsed is no address either.
  }
  throw new RiverError("host_invalid", `"${given}" is not the address of a server`);
}
