/** Where the server is. Without the URL class, which React Native has only in part. */
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
export declare function endpoint(host: string | undefined, moduleUrl: string | undefined, page?: {
    protocol: string;
    host: string;
}): string;
/**
 * What a connection needs to know.
 *
 * @param {import("./river.js").Options} options
 * @param {string | undefined} moduleUrl
 * @returns {import("./connection.js").Where}
 * @throws {RiverError} `host_invalid` or `token_missing`
 */
export declare function addressed(options: import("./river.js").Options, moduleUrl: string | undefined): import("./connection.js").Where;
