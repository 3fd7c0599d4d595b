export type River = import("../src/river.js").River;
export type EventDetail = import("../src/river.js").EventDetail;
export type SystemEvents = import("../src/river.js").SystemEvents;
export type SubscribeOptions = import("../src/river.js").SubscribeOptions;
export type PublishOptions = import("../src/river.js").PublishOptions;
export type Receipt = import("../src/river.js").Receipt;
export type RiverError = import("../src/river.js").RiverError;
export type State = import("../src/status.js").State;
export type Handlers<E> = {
    [K in keyof E]?: (data: E[K], event: EventDetail) => void;
} & {
    [K in keyof SystemEvents]?: (detail: SystemEvents[K]) => void;
} & {
    "*"?: (data: unknown, event: EventDetail) => void;
};
export type ChannelStatus = {
    live: boolean;
    error: RiverError | null;
};
/**
 * Gives all hooks below it the client to use.
 *
 * @param {{river: River, children?: import("react").ReactNode}} props
 */
export declare function RiverProvider({ river, children }: {
    river: River;
    children?: import("react").ReactNode;
}): import("react").FunctionComponentElement<import("react").ProviderProps<import("../src/river.js").River | null>>;
/**
 * The client of the `RiverProvider` above.
 *
 * @returns {River}
 */
export declare function useRiver(): River;
/**
 * The state of the connection.
 *
 * @returns {{state: State, reason: string}}
 */
export declare function useConnection(): {
    state: State;
    reason: string;
};
/**
 * Subscribe while the component is shown. Handlers may change with each render; the channel stays.
 *
 * @template [E=Record<string, unknown>]
 * @param {string | null | undefined} name without one nothing is subscribed
 * @param {Handlers<E>} [handlers] by the names of the events
 * @param {SubscribeOptions} [options] as they are when the component is shown first
 * @returns {{live: boolean, error: RiverError | null,
 *   publish: <K extends keyof E & string>(event: K, data: E[K], options?: PublishOptions) =>
 *   Promise<Receipt>}} whether events arrive (not while the snapshot is still to come), why the server refused the channel, and a function to
 *   publish that stays the same
 */
export declare function useChannel<E = Record<string, unknown>>(name: string | null | undefined, handlers?: Handlers<E>, options?: SubscribeOptions): {
    live: boolean;
    error: RiverError | null;
    publish: <K extends keyof E & string>(event: K, data: E[K], options?: PublishOptions) => Promise<Receipt>;
};
/**
 * Who is on a channel whose name begins with `presence-`, for as long as the component is shown.
 *
 * @param {string | null | undefined} name without one nothing is subscribed
 * @returns {{count: number, members: ReadonlyMap<string, Record<string, unknown> | undefined>}} the list
 *   of a large channel is not complete, the count is
 */
export declare function usePresence(name: string | null | undefined): {
    count: number;
    members: ReadonlyMap<string, Record<string, unknown> | undefined>;
};
