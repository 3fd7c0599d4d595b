/** Names of options, checked: a misspelt one would have no effect, and nobody would notice. */
/**
 * Refuse what is not known.
 *
 * @param {unknown} given
 * @param {{of: string, known: string[], old?: string[]}} names `old`: accepted, and no longer documented
 * @throws {import("./error.js").RiverError} `option_invalid`, with a guess
 */
export declare function checkNames(given: unknown, { of, known, old }: {
    of: string;
    known: string[];
    old?: string[];
}): void;
