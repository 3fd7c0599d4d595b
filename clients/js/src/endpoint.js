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
  try {
    const given = host ?? new URL("/", moduleUrl).href;
    const scheme = pageProtocol === "https:" ? "https" : "http";
    const url = new URL(given.includes("://") ? given : `${scheme}://${given}`);
    const protocol = url.protocol.replace("http", "ws");
    if (!protocol.startsWith("ws")) throw new TypeError("neither ws nor http");
    return `${protocol}//${url.host}${url.pathname.replace(/(\/ws)?\/*$/, "/ws")}`;
  } catch (cause) {
    const words = `"${host ?? moduleUrl}" is not the address of a server`;
    throw new RiverError("host_invalid", words, { cause });
  }
}
