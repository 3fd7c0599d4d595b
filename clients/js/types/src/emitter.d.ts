/** Callbacks by name. */
export type Callback = (...args: any[]) => void;
/** @typedef {(...args: any[]) => void} Callback */
/** Calls the callbacks of a name in the order in which they were added. */
export declare class Emitter {
    #private;
    /**
     * @param {(error: unknown) => void} report is given what a callback threw; the others still run
     * @param {(name: string) => void} [check] is given each name that a callback is added for
     */
    constructor(report: (error: unknown) => void, check?: (name: string) => void);
    /**
     * Add a callback; the same one twice counts once.
     *
     * @param {string} name
     * @param {Callback} callback
     */
    on(name: string, callback: Callback): void;
    /**
     * Remove one callback, or all of a name.
     *
     * @param {string} name
     * @param {Callback} [callback]
     */
    off(name: string, callback?: Callback): void;
    /** Remove all. */
    clear(): void;
    /**
     * @param {string} name
     * @param {...unknown} args
     */
    emit(name: string, ...args: unknown[]): void;
}
