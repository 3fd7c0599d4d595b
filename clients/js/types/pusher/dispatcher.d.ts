/** Callbacks by name, and callbacks for every name, called as pusher-js calls them. */
export type Callback = (...args: any[]) => void;
export type Binding = {
    callback: Callback;
    context: unknown;
};
/**
 * @typedef {(...args: any[]) => void} Callback
 * @typedef {{callback: Callback, context: unknown}} Binding
 */
/** What can be bound to: a channel, the connection, the user, all channels at once. */
export declare class Dispatcher {
    #private;
    /**
     * @param {string} name
     * @param {Callback} callback
     * @param {unknown} [context] what `this` is for the callback
     * @returns {this}
     */
    bind(name: string, callback: Callback, context?: unknown): this;
    /**
     * End what `bind` began; each argument that is left out stands for all.
     *
     * @param {string} [name]
     * @param {Callback} [callback]
     * @param {unknown} [context]
     * @returns {this}
     */
    unbind(name?: string, callback?: Callback, context?: unknown): this;
    /**
     * @param {(name: string, data: any) => void} callback called for every name
     * @returns {this}
     */
    bind_global(callback: (name: string, data: any) => void): this;
    /**
     * @param {Callback} [callback] without it all
     * @returns {this}
     */
    unbind_global(callback?: Callback): this;
    /** @returns {this} */
    unbind_all(): this;
    /**
     * @param {string} name
     * @param {unknown} [data]
     * @param {{user_id?: string}} [metadata] of an event of a channel
     * @returns {this}
     */
    emit(name: string, data?: unknown, metadata?: {
        user_id?: string;
    }): this;
}
