/** Finds good names for `names.json`: `npm run names`, after a change that made the built client too large. */

import { writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { withStandIns } from "./build.js";
import { FILE, POOL, prefix, rivals } from "./names.js";

const SEARCH_MS = 60_000 * Number(process.argv[2] ?? 3);

/**
 * Swap names as long as that helps.
 *
 * @param {Names} names
 * @param {string} code with stand-ins
 */
function search(names, code) {
  const all = names.all();
  const size = () => gzipSync(names.named(code, all), { level: 9 }).length;
  const keys = Object.keys(all).filter((name) => code.includes(String(names.cache[name])));
  const pick = (/** @type {string[]} */ list) => list[Math.floor(Math.random() * list.length)];
  let least = size();
  for (const end = Date.now() + SEARCH_MS; Date.now() < end; ) {
    const one = String(pick(keys));
    const before = { ...all };
    const short = prefix(one) + pick(POOL.slice(0, prefix(one) ? 16 : 70));
    const other = keys.filter(rivals(one)).find((name) => all[name] === short);
    if (other) all[other] = String(all[one]);
    all[one] = short;
    const bytes = size();
    if (bytes > least) Object.assign(all, before);
    else if (bytes < least) {
      least = bytes;
      console.log(least);
    }
  }
  return Object.fromEntries(Object.entries(all).filter(([name]) => keys.includes(name)));
}

const { code, names } = await withStandIns();
await writeFile(FILE, `${JSON.stringify(search(names, code), undefined, 2)}\n`);
