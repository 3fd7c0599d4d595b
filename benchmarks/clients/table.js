/** The table in the docs, made of the data: `node table.js --write` puts it there, `--check` compares. */

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const RESULTS = new URL("results/recorded.json", import.meta.url);
const PAGE = new URL("../../docs/comparison-clients.md", import.meta.url);
const [BEGIN, END] = ["<!-- measured -->\n", "<!-- /measured -->"];

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (Number(low) + Number(high)) / 2;
}

/** @param {number[]} values */
const spread = (values) =>
  `${Math.round(Math.min(...values))} to ${Math.round(Math.max(...values))}`;

/** @param {number} bytes */
const kB = (bytes) => `${(bytes / 1_000).toFixed(1)} kB`;

/**
 * One row for each thing that was measured.
 *
 * @type {[string, (one: any) => string][]}
 */
const ROWS = [
  ["the app, bundled and minified", ({ facts }) => kB(facts.bytes)],
  ["the same gzipped", ({ facts }) => kB(facts.gzippedBytes)],
  ["lines a user writes", ({ facts }) => `${facts.lines}`],
  [
    "first event after the start of the load, median (all)",
    ({ firstMs }) => `${Math.round(median(firstMs))} ms (${spread(firstMs)})`,
  ],
  ["3 cuts amid 60 events: lost, in each round", ({ cuts }) => each(cuts, "lost")],
  ["doubled", ({ cuts }) => each(cuts, "doubled")],
  ["out of order", ({ cuts }) => each(cuts, "disordered")],
  ["told that something may be missing", ({ cuts }) => each(cuts, "told")],
  [
    "first event after the network was back, median (all)",
    ({ cuts }) => {
      /** @type {number[]} */
      const all = cuts.flatMap((/** @type {any} */ one) => one.backMs);
      // Null is what never came.
      const came = all.filter(Number.isFinite);
      const never = all.length - came.length;
      const words = never ? `; none after ${never} of ${all.length} cuts` : "";
      return `${Math.round(median(came))} ms (${spread(came)})${words}`;
    },
  ],
];

/**
 * @param {Record<string, number>[]} cuts
 * @param {string} what
 */
function each(cuts, what) {
  const values = cuts.map((one) => one[what]);
  return new Set(values).size === 1 ? `${values[0]}` : values.join(", ");
}

/** @param {{contenders: any[]}} results */
export function table({ contenders }) {
  const heads = contenders.map(({ name, facts }) => `${name} ${facts.version}`);
  const rows = ROWS.map(([what, cell]) => [what, ...contenders.map(cell)]);
  const lines = [["", ...heads], ["", ...heads].map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** @returns {Promise<[string, string]>} the page as it is, and with the table of the data that is kept */
async function pages() {
  const [page, results] = await Promise.all([readFile(PAGE, "utf8"), readFile(RESULTS, "utf8")]);
  const [before, rest] = page.split(BEGIN);
  const after = rest?.slice(rest.indexOf(END));
  return [page, `${before}${BEGIN}${table(JSON.parse(results))}${after}`];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [page, renewed] = await pages();
  if (process.argv.includes("--write")) await writeFile(PAGE, renewed);
  else if (page !== renewed) {
    console.error("the table is not that of the data: node benchmarks/clients/table.js --write");
    process.exitCode = 1;
  }
}
