/**
 * Short names of what never leaves the built client, chosen so that the file compresses well.
 *
 * Private names of one module do not touch those of another, so each may call its own as it likes. Where two
 * call what they use alike by the same letter, the same text stands in both, and a compressor writes it once.
 * Which letters are good is found by trying: `npm run names` does so for some minutes and writes `names.json`.
 * The build only looks names up there, and takes the next free letter for one that is missing.
 */

import { readFile } from "node:fs/promises";
import { basename } from "node:path";

export const FILE = new URL("names.json", import.meta.url);

/** `#name` of a module, not in a text. */
const PRIVATE = /(?<![\w"'`])#([a-zA-Z]\w*)/g;
/** What an ordinary property need not declare: a private field without a value, and a flag that is not set. */
const BARE = /^ {2}#\w+( = false)?;$/gm;
/** Stand-ins for names until the code is minified: no minifier counts them among its letters. */
const STAND_INS = 0x4e00;
/** Terser writes some of them as texts. */
const STAND_IN = /"([\u4e00-\u4fff])"|[\u4e00-\u4fff]/g;

const LETTERS = [..."tseihnroalcupdfgmwvbykSMETxRzAqNPCDLIFOBGHJKQUVWXYZ"];
/** With those of two letters, of which none is a name of the browser or of River's API. */
export const POOL = [
  ...LETTERS,
  ...[..."TSEI"].flatMap((one) => LETTERS.map((other) => one + other)),
];

/** What stands for each name while the code is minified. */
export class Names {
  /** @type {Record<string, string>} stand-ins by name, for esbuild's `mangleCache` */
  cache = {};
  /** Of properties, and of private names as `_module_name`. */
  pattern;
  /** @type {Record<string, string>} */
  #chosen;

  /**
   * @param {string[]} internal names of properties that never leave the bundle
   * @param {Record<string, string>} chosen short names by name
   */
  constructor(internal, chosen) {
    this.#chosen = chosen;
    this.pattern = new RegExp(`^(${internal.join("|")}|_[a-zA-Z]+_\\w+)$`);
    for (const name of internal) this.#add(name);
  }

  /** @param {string} name */
  #add(name) {
    this.cache[name] ??= String.fromCharCode(STAND_INS + Object.keys(this.cache).length);
  }

  /** Has esbuild read private names as properties. @type {import("esbuild").Plugin} */
  plugin = {
    name: "private names",
    setup: ({ onLoad }) =>
      onLoad({ filter: /\/src\/[\w-]+\.js$/ }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        const module = basename(path, ".js").replace("-", "");
        const contents = source.replace(BARE, "").replace(PRIVATE, (_, name) => {
          this.#add(`_${module}_${name}`);
          return `_${module}_${name}`;
        });
        return { contents, loader: "js" };
      }),
  };

  /**
   * Which short names there are now, those that were not chosen yet included.
   *
   * @returns {Record<string, string>}
   */
  all() {
    /** @type {Record<string, string>} */
    const all = {};
    const names = Object.keys(this.cache);
    for (const name of names) if (this.#chosen[name]) all[name] = String(this.#chosen[name]);
    for (const name of names) {
      const taken = new Set(
        Object.keys(all)
          .filter(rivals(name))
          .map((other) => all[other]),
      );
      const free = POOL.map((short) => prefix(name) + short).filter((short) => !taken.has(short));
      all[name] ??= String(free[0]);
    }
    return all;
  }

  /**
   * @param {string} code minified, with stand-ins
   * @param {Record<string, string>} [all]
   */
  named(code, all = this.all()) {
    const shorts = Object.keys(this.cache).map((name) => all[name]);
    const short = (/** @type {string} */ found) => shorts[found.charCodeAt(0) - STAND_INS];
    return code.replace(STAND_IN, (found, quoted) => String(short(quoted ?? found)));
  }
}

/** @returns {Promise<Record<string, string>>} the names that were found to be good */
export async function chosenNames() {
  return JSON.parse(await readFile(FILE, "utf8"));
}

/**
 * Which names may not be the same as this one: all properties, or all private names of the module.
 *
 * @param {string} name
 */
export function rivals(name) {
  return (/** @type {string} */ other) => family(other) === family(name);
}

/** @param {string} name */
function family(name) {
  return name.startsWith("_") ? name.split("_")[1] : "";
}

/** @param {string} name what keeps private names apart from properties */
export function prefix(name) {
  return name.startsWith("_") ? "_" : "";
}
