/** Where the server is. Without the URL class, which React Native has only in part. */

import { RiverError } from "./errors.js";
import { Route } from "./route.js";

const ADDRESS = /^(?:(wss?|https?):\/\/)?((?:\[[\da-f:.]+\]|[^\s:/?#@]+)(?::\d+)?)(\/[^\s?#]*)?$/i;
/** The origin of a module, and the path before `/client/` when a gateway served it. */
const ORIGIN = /^https?:\/\/[^/]+(.*(?=\/client\/river[^/]*\.js))?/;

/**
 * The WebSocket address of a server.
 *
 * @param {string | undefined} host a URL, `name:port`, or a path on the page's own origin (`/rt`);
 *   undefined is where this module came from
 * @param {string | undefined} moduleUrl where this module came from
 * @param {{protocol: string, host: string}} [page] a host without a scheme is as secure as the page
 * @returns {string}
 * @throws {RiverError} `host_invalid`
 */
export function endpoint(host, moduleUrl, page) {
  const given = host ?? moduleUrl?.match(ORIGIN)?.[0] ?? "";
  const address = given[0] === "/" && page ? page.host + given : given;
  const [, scheme, server, path = ""] = address.match(ADDRESS) ?? [];
  if (!server) throw new RiverError("host_invalid", `"${given}" is no address`);
  const isSecure = /wss|https/i.test(scheme ?? page?.protocol ?? "");
  return `ws${isSecure ? "s" : ""}://${server}${path.replace(/(\/ws)?\/*$/, "/ws")}`;
}

/**
 * What a connection needs to know.
 *
 * @param {import("./river.js").Options} options
 * @param {string | undefined} moduleUrl
 * @returns {import("./connection.js").Where}
 * @throws {RiverError} `host_invalid` or `token_missing`
 */
export function addressed(options, moduleUrl) {
  const { host, url, token, jwt, queue, WebSocket, ...unknown } = options;
  const source = token ?? jwt;
  // Without the option the page is a guest; with another value something went wrong.
  if (("token" in options || "jwt" in options) && !(source && /^[sf]/.test(typeof source)))
    throw new RiverError("token_missing", "token is no text or function");
  const address = endpoint(host ?? url, moduleUrl, globalThis.location);
  return {
    url: address,
    token: source,
    route: new Route(address, WebSocket ?? globalThis.WebSocket),
    unknown,
  };
}
