/** Where the server is. */

/**
 * The address for River's client, from the options of pusher-js.
 *
 * @param {import("./pusher.js").PusherOptions} options
 * @param {{protocol: string}} [page]
 */
export function address(options, page = globalThis.location) {
  const { host, url, wsHost, wsPort = 80, wssPort = 443, wsPath = "", forceTLS } = options;
  if (host || url || !wsHost) return host ?? url;
  const isSecure = forceTLS !== false || page?.protocol === "https:";
  const start = isSecure ? `https://${wsHost}:${wssPort}` : `http://${wsHost}:${wsPort}`;
  return start + wsPath.replace(/^\/t\/[^/]+/, "");
}
