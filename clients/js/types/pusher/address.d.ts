/** Where the server is. */
/**
 * The address for River's client, from the options of pusher-js.
 *
 * @param {import("./pusher.js").PusherOptions} options
 * @param {{protocol: string}} [page]
 */
export declare function address(options: import("./pusher.js").PusherOptions, page?: {
    protocol: string;
}): string | undefined;
