/** Measure the clients side by side: `node run.js [--install] [--record] [--loads N] [--rounds N]`. */

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { CONTENDERS, facts } from "./contenders.js";
import { Site } from "./measure.js";
import { table } from "./table.js";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";

const { values } = parseArgs({
  options: {
    install: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
    loads: { type: "string", default: "21" },
    rounds: { type: "string", default: "5" },
  },
});
if (!existsSync(BROWSER)) throw new Error(`there is no ${BROWSER}: set CHROMIUM`);

/** @param {import("./contenders.js").Contender} contender */
async function isThere({ name, missing, install }) {
  if (missing() && install && values.install) {
    console.error(`${name}: its server is being built`);
    await install();
  }
  const why = missing();
  if (why) console.error(`${name} is left out: ${why} (--install builds it)`);
  return !why;
}

const browser = await chromium.launch({
  executablePath: BROWSER,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic"],
});
/** @type {Map<import("./contenders.js").Contender, any>} */
const results = new Map();
/** @type {Map<import("./contenders.js").Contender, Site>} */
const sites = new Map();
try {
  for (const contender of CONTENDERS) {
    if (!(await isThere(contender))) continue;
    const { name } = contender;
    results.set(contender, { name, facts: await facts(contender), firstMs: [], cuts: [] });
    const site = new Site(contender, browser);
    sites.set(contender, site);
    await site.start();
  }
  // In turns, so that what else the machine does meets all of them. The first load warms up.
  for (let load = -1; load < Number(values.loads); load++) {
    for (const [contender, site] of sites) {
      const ms = await site.firstPost();
      if (load >= 0) results.get(contender).firstMs.push(Math.round(ms));
    }
  }
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [contender, site] of sites) results.get(contender).cuts.push(await site.cuts());
  }
} finally {
  for (const site of sites.values()) await site.remove();
  await browser.close();
}

const record = {
  when: new Date().toISOString(),
  browser: browser.version(),
  node: process.version,
  cores: cpus().length,
  contenders: [...results.values()],
};
console.log(table(record));
if (values.record) {
  const place = new URL("results/recorded.json", import.meta.url);
  await writeFile(place, `${JSON.stringify(record, null, 2)}\n`);
}
