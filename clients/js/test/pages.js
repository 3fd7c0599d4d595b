/** The pieces of code in the documentation's pages. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../../", import.meta.url);
/** Pages with code for the JavaScript client; those of frameworks have a test of their own. */
const PAGES = [
  "README.md",
  "clients/js/README.md",
  "docs/authentication.md",
  "docs/channel-rules.md",
  "docs/channels.md",
  "docs/clients/javascript.md",
  "docs/guests.md",
  "docs/history.md",
  "docs/presence.md",
  "examples/tasks/README.md",
];
const FENCE = /^( *)```(js|html)\n(.*?)^\1```$/gms;
/** What another test runs, or compares with the file that it comes from. */
const ELSEWHERE = /<!-- (runs|from)[^>]* -->\n\s*$/;

/** @typedef {{place: string, language: string, code: string}} Piece */

/** @returns {Promise<Piece[]>} */
export async function pieces() {
  /** @type {Piece[]} */
  const all = [];
  for (const page of PAGES) {
    const text = await readFile(fileURLToPath(new URL(page, ROOT)), "utf8");
    for (const { 2: language = "", 3: code = "", index } of text.matchAll(FENCE)) {
      const before = text.slice(0, index);
      if (ELSEWHERE.test(before)) continue;
      all.push({ place: `${page}:${before.split("\n").length}`, language, code });
    }
  }
  return all;
}

/**
 * The code without its imports and exports, to be put where what it imports is there by name.
 *
 * @param {string} code
 */
export function body(code) {
  return code.replace(/^ *import .*$/gm, "").replace(/^( *)export /gm, "$1");
}
