/** The page's user, in the form of pusher-js. */
import { Dispatcher } from "./dispatcher.js";
/** Events that the back end sends to the user, once `signin` was called. */
export declare class PusherUser extends Dispatcher {
    #private;
    signin_requested: boolean;
    /** @type {{id: string} | null} who has signed in */
    user_data: {
        id: string;
    } | null;
    /** @type {Promise<void> | null} done when the sign-in has succeeded or failed; never rejected */
    signinDonePromise: Promise<void> | null;
    /** River's own protocol does not say who else is online: nothing comes here. */
    watchlist: Dispatcher;
    /**
     * @param {import("./pusher.js").Pusher} pusher
     * @param {import("../src/river.js").River} river
     */
    constructor(pusher: import("./pusher.js").Pusher, river: import("../src/river.js").River);
    /** The token says who the user is: nobody else is asked. */
    signin(): void;
}
