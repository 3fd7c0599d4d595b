/** Names of options, checked: a misspelt one would have no effect, and nobody would notice. */

import { invalid } from "./error.js";

/**
 * Refuse what is not known.
 *
 * @param {unknown} given
 * @param {{of: string, known: string[], old?: string[]}} names `old`: accepted, and no longer documented
 * @throws {import("./error.js").RiverError} `option_invalid`, with a guess
 */
export function checkNames(given, { of, known, old = [] }) {
  if (typeof given !== "object" || given === null) {
    throw invalid(`${of} takes its options as an object: ${known.join(", ")}`);
  }
  const unknown = Object.keys(given).find((name) => !known.includes(name) && !old.includes(name));
  if (unknown === undefined) return;
  const [nearest = ""] = known.toSorted((a, b) => distance(unknown, a) - distance(unknown, b));
  const guess =
    distance(unknown, nearest) <= 2 ? `did you mean ${nearest}?` : `${known.join(", ")}`;
  throw invalid(`${unknown}: not an option of ${of}: ${guess}`);
}

/**
 * How many letters to change, add or leave out.
 *
 * @param {string} one
 * @param {string} other
 */
function distance(one, other) {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1];
    for (const [index, its] of [...other].entries()) {
      const changed = /** @type {number} */ (row[index]) + (its === letter ? 0 : 1);
      next.push(
        Math.min(
          changed,
          /** @type {number} */ (row[index + 1]) + 1,
          /** @type {number} */ (next[index]) + 1,
        ),
      );
    }
    row = next;
  }
  return /** @type {number} */ (row.at(-1));
}
