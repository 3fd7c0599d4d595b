/** What has arrived and was not handled yet. */
/**
 * Hands on what arrives in order, and lets the page breathe.
 *
 * An item is handled at once, inside `push`, as long as the slice lasts. When items have taken 25 ms in
 * a row the rest waits for a turn of the event loop, so that the page can paint and answer to its user.
 *
 * @template T
 */
export declare class Inbox<T> {
    #private;
    /**
     * @param {(item: T) => void} handle what it throws is reported; the next items are handled all the same
     * @param {Pick<import("./platform.js").Platform, "steadyMs" | "defer" | "report">} platform
     */
    constructor(handle: (item: T) => void, platform: Pick<import("./platform.js").Platform, "steadyMs" | "defer" | "report">);
    /** How many items wait. */
    get size(): number;
    /** @param {T} item */
    push(item: T): void;
    /** Let what comes wait until `release`. */
    hold(): void;
    /** Handle what waits, and go on. */
    release(): void;
    /** Forget what waits. */
    clear(): void;
}
