/** Requests to the publish API, sent again until they are answered or the deadline is over. */
import { RiverError } from "./error.js";
export type Transport = {
    /**
     * of the publish API, without a slash at the end
     */
    url: string;
    key: string;
    /**
     * how long one attempt may take
     */
    timeoutMs: number;
    /**
     * no attempt begins later than this after the first
     */
    deadlineMs: number;
    fetch: typeof globalThis.fetch;
    random: () => number;
};
export type Question = {
    method: "GET" | "POST" | "DELETE";
    path: string;
    body?: string;
};
export type Answer = {
    status: number;
    afterMs: number;
    body: any;
    location: string | null;
};
/** Asks the publish API. Only what does no harm when it arrives twice may be asked. */
export declare class Requests {
    #private;
    /** @param {Transport} transport */
    constructor(transport: Transport);
    /**
     * Ask until there is an answer.
     *
     * @param {Question} question
     * @param {(body: any) => RiverError | null} [flaw] an error in an answer of 200
     * @returns {Promise<any>} the body; rejected with the last attempt's error
     */
    ask(question: Question, flaw?: (body: any) => RiverError | null): Promise<any>;
}
