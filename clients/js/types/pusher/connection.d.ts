/** The connection in the states of pusher-js. */
import { Dispatcher } from "./dispatcher.js";
export type PusherState = "initialized" | "connecting" | "connected" | "unavailable" | "disconnected";
/** @typedef {"initialized" | "connecting" | "connected" | "unavailable" | "disconnected"} PusherState */
/**
 * Says what becomes of the connection: `state_change` with `previous` and `current`, the state itself,
 * `connecting_in`, `error`, and `message` for each event.
 */
export declare class PusherConnection extends Dispatcher {
    #private;
    /** @type {PusherState} */
    state: PusherState;
    /** @type {string | undefined} this page for `exclude` and for the header `X-Socket-ID` */
    socket_id: string | undefined;
    /** @param {number} unavailableMs after so long without a connection the state is `unavailable` */
    constructor(unavailableMs: number);
    /**
     * Take over what River's client says.
     *
     * @param {import("../src/status.js").Status} status
     * @param {string | null} session
     */
    follow(status: import("../src/status.js").Status, session: string | null): void;
}
/**
 * @param {number | null} code
 * @param {string} message
 */
export declare function failure(code: number | null, message: string): {
    type: string;
    data: {
        code: number | null;
        message: string;
    };
};
