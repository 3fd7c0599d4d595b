/** The clients that are compared, each with a server for it. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import * as centrifugo from "./servers/centrifugo.js";
import * as river from "./servers/river.js";
import * as sockudo from "./servers/sockudo.js";

/**
 * @typedef {object} Server
 * @property {number | undefined} port where WebSockets go to
 * @property {() => Promise<void>} start
 * @property {() => Promise<void>} remove
 * @property {import("./front.js").Route} route what the app's back end answers
 * @property {(post: {number: number}) => Promise<void>} publish as a back end does
 *
 * @typedef {object} Contender
 * @property {string} name of the npm package, and what the app's file is called
 * @property {string} app
 * @property {new () => Server} Server
 * @property {() => string | undefined} missing
 * @property {() => Promise<void>} [install]
 */

/** @type {Contender[]} */
export const CONTENDERS = [
  { name: "river-realtime", app: "river", Server: river.RiverServer, missing: river.missing },
  { name: "centrifuge", app: "centrifuge", Server: centrifugo.CentrifugoServer, ...centrifugo },
  { name: "pusher-js", app: "pusher", Server: sockudo.SockudoServer, ...sockudo },
];

/**
 * The app as one minified file.
 *
 * @param {Contender} contender
 * @param {string[]} external what is left out
 */
export async function bundle({ app }, external = []) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`apps/${app}.js`, import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external,
    write: false,
  });
  return String(outputFiles[0]?.text);
}

/**
 * What can be said of the app without running it: its size without the page's own part, and the lines
 * that a user writes, without blank ones.
 *
 * @param {Contender} contender
 */
export async function facts(contender) {
  const code = await bundle(contender, ["./page.js"]);
  const source = await readFile(new URL(`apps/${contender.app}.js`, import.meta.url), "utf8");
  const home = new URL(`node_modules/${contender.name}/package.json`, import.meta.url);
  return {
    version: JSON.parse(await readFile(home, "utf8")).version,
    bytes: code.length,
    gzippedBytes: gzipSync(code, { level: 9 }).length,
    lines: source.split("\n").filter((line) => line.trim() && !line.includes("./page.js")).length,
  };
}
