/** What River uses of the browser, or of whatever else it runs in. */
export type Signal = "online" | "offline" | "awake";
export type Platform = {
    /**
     * milliseconds that never go back, but may stand still during sleep
     */
    steadyMs: () => number;
    /**
     * milliseconds since 1970, which somebody may set
     */
    wallMs: () => number;
    /**
     * a number from 0 up to, not including, 1
     */
    random: () => number;
    setTimer: (task: () => void, delayMs: number) => unknown;
    clearTimer: (timer: any) => void;
    /**
     * run the task in a later turn, without delay
     */
    defer: (task: () => void) => void;
    /**
     * show an error that nobody catches; never throws
     */
    report: (error: unknown) => void;
    /**
     * tell the developer; never throws
     */
    warn: (text: string) => void;
    /**
     * returns a function that ends it
     */
    watch: (notify: (signal: Signal) => void) => () => void;
};
/**
 * The platform at hand.
 *
 * @returns {Platform}
 */
export declare function thisPlatform(): Platform;
/** Whether somebody uses this: a page, a worker of one, an app; not a server, where pages are rendered. */
export declare function isInteractive(): any;
/**
 * Milliseconds that never go back and go on while the machine sleeps.
 *
 * @param {Pick<Platform, "steadyMs" | "wallMs">} platform
 * @returns {() => number}
 */
export declare function sleeplessClock({ steadyMs, wallMs }: Pick<Platform, "steadyMs" | "wallMs">): () => number;
/**
 * Fail when a promise takes too long.
 *
 * @param {number} limitMs
 * @param {unknown} value a promise, or the value itself
 * @param {Pick<Platform, "setTimer" | "clearTimer">} platform
 * @returns {Promise<unknown>}
 */
export declare function within(limitMs: number, value: unknown, platform: Pick<Platform, "setTimer" | "clearTimer">): Promise<unknown>;
