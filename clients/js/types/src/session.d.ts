/** Who this page is to publishers, through all its connections: what `exclude` means. */
export type Welcome = import("./protocol.js").Welcome;
/** @typedef {import("./protocol.js").Welcome} Welcome */
/**
 * The session of the page's first connection. Later ones continue it, as long as servers know it again.
 */
export declare class Session {
    #private;
    /** @type {string | null} */
    id: string | null;
    /** @type {string | undefined} what proves to a server whose session this is */
    secret: string | undefined;
    /**
     * @param {Welcome} message
     * @param {object} connection
     */
    welcomed(message: Welcome, connection: object): void;
    /**
     * @param {import("./protocol.js").Authenticated} message
     * @param {object} connection
     */
    authenticated({ session }: import("./protocol.js").Authenticated, connection: object): void;
}
