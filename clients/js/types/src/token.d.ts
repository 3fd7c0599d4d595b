/** Where tokens come from. */
export type GivenToken = string | {
    token: string;
} | Response;
export type TokenSource = string | (() => GivenToken | Promise<GivenToken>);
/**
 * @typedef {string | {token: string} | Response} GivenToken the token, also as `{"token": "..."}`, or a
 *   response whose text is one of these
 * @typedef {string | (() => GivenToken | Promise<GivenToken>)} TokenSource
 */
/**
 * Get a token.
 *
 * @param {TokenSource} source
 * @param {import("./platform.js").Platform} platform
 * @returns {Promise<string>} rejected with `token_failed` when the application throws, gives something
 *   else or does not answer in 10 s
 */
export declare function askToken(source: TokenSource, platform: import("./platform.js").Platform): Promise<string>;
/**
 * When to ask for the next token: after 80% of this one's life, and some seconds before its end.
 *
 * @param {number | null} remainingMs by the client's clock
 */
export declare function renewInMs(remainingMs: number | null): number;
