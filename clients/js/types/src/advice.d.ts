/** What a developer is told in the console about what will not work, with its cure. */
/**
 * About a name that nobody knows.
 *
 * @param {string} what
 * @param {string} name
 */
export declare function nameAdvice(what: string, name: string): string;
/**
 * About an option that only the first `subscribe` to a channel can give.
 *
 * @param {string} channel
 * @param {string} name
 */
export declare function ignoredAdvice(channel: string, name: string): string;
/**
 * About a channel that was refused.
 *
 * @param {string} channel
 * @param {import("./errors.js").RiverError} error
 */
export declare function channelAdvice(channel: string, { code, message }: import("./errors.js").RiverError): string | undefined;
/**
 * About members of a channel that has none.
 *
 * @param {string} channel
 * @param {string} event
 */
export declare function memberlessAdvice(channel: string, event: string): string;
/**
 * About a connection that will not come about.
 *
 * @param {import("./status.js").Status} status
 * @param {string} url
 */
export declare function statusAdvice({ state, reason, code, error }: import("./status.js").Status, url: string): string;
