/** What a developer is told in the console about what will not work, with its cure. */
/**
 * What is said about each topic, from its facts; nothing where nothing is wrong.
 *
 * @type {Record<"unknown" | "ignored" | "refused" | "memberless" | "stale" | import("./status.js").State,
 *   (...facts: any[]) => string | undefined>}
 */
export declare const ADVICE: Record<"unknown" | "ignored" | "refused" | "memberless" | "stale" | import("./status.js").State, (...facts: any[]) => string | undefined>;
/**
 * What to say about something that will not work.
 *
 * @param {import("./warnings.js").Topic} topic
 * @param {unknown[]} facts
 */
export declare function advice(topic: import("./warnings.js").Topic, facts: unknown[]): string | undefined;
