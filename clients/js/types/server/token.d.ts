/** Tokens, signed on the spot: JSON Web Tokens with HS256. */
export type Wanted = {
    /**
     * whose token it is; the name that the server knows the connection by
     */
    user: string;
    /**
     * how many seconds it is good for, 3,600 by default
     */
    ttl_s?: number;
    /**
     * names of channels that it opens as well, taken literally: for names that
     * hold a user's id. **Without `subscribe` they limit nothing**
     */
    channels?: string[];
    /**
     * globs of the channels that it opens; **without it all but private ones**
     */
    subscribe?: string[];
    /**
     * globs of the channels that it may publish in; without it none
     */
    publish?: string[];
    /**
     * what others see of the user on presence channels
     */
    info?: Record<string, unknown>;
};
export type Signature = {
    secret: string;
    issuer?: string;
    audience?: string;
};
/**
 * @typedef {object} Wanted
 * @property {string} user whose token it is; the name that the server knows the connection by
 * @property {number} [ttl_s] how many seconds it is good for, 3,600 by default
 * @property {string[]} [channels] names of channels that it opens as well, taken literally: for names that
 *   hold a user's id. **Without `subscribe` they limit nothing**
 * @property {string[]} [subscribe] globs of the channels that it opens; **without it all but private ones**
 * @property {string[]} [publish] globs of the channels that it may publish in; without it none
 * @property {Record<string, unknown>} [info] what others see of the user on presence channels
 *
 * @typedef {{secret: string, issuer?: string, audience?: string}} Signature
 */
/**
 * @param {string} secret
 * @returns {string} the same
 */
export declare function checkSecret(secret: string): string;
/**
 * @param {Wanted} wanted
 * @returns {Wanted & {ttl_s: number}} the same, with the time filled in
 */
export declare function checkWanted(wanted: Wanted): Wanted & {
    ttl_s: number;
};
/**
 * A token for a user.
 *
 * @param {Wanted & {ttl_s: number}} wanted
 * @param {Signature} signature
 * @param {number} nowMs milliseconds since 1970
 */
export declare function signed({ user, ttl_s, ...grants }: Wanted & {
    ttl_s: number;
}, signature: Signature, nowMs: number): string;
