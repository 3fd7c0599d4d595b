/** Runs all conversations of protocol/cases, and tells what became of each. */

import { readdir, readFile } from "node:fs/promises";
import { Server } from "../server.js";
import { API_KEY, Conversation, SECRETS } from "./conversation.js";
import { obstacle } from "./obstacles.js";

const CASES = new URL("../../../../protocol/cases/", import.meta.url);

/** @typedef {{file: string, name: string, result: "passed" | "failed" | "not applicable", why?: string}} Outcome */

/** @returns {Promise<Outcome[]>} in the order of the files */
export async function runAll() {
  const files = (await readdir(CASES)).filter((name) => name.endsWith(".json")).sort();
  /** @type {Map<string, Server>} servers by their settings */
  const servers = new Map();
  /** @type {Outcome[]} */
  const outcomes = [];
  try {
    for (const file of files) {
      const { cases } = JSON.parse(await readFile(new URL(file, CASES), "utf8"));
      for (const one of cases)
        outcomes.push(await outcome(file.replace(".json", ""), one, servers));
    }
  } finally {
    await Promise.all([...servers.values()].map((server) => server.remove()));
  }
  return outcomes;
}

/**
 * The capability table: what the docs are made of.
 *
 * @param {Outcome[]} outcomes
 */
export function table(outcomes) {
  /** @type {Record<string, Record<string, string>>} */
  const cases = {};
  for (const { file, name, result, why } of outcomes) {
    cases[file] ??= {};
    cases[file][name] = why ? `${result}: ${why}` : result;
  }
  return { client: "river-realtime (JavaScript)", cases };
}

/**
 * @param {string} file
 * @param {import("./obstacles.js").Case} one
 * @param {Map<string, Server>} servers
 * @returns {Promise<Outcome>}
 */
async function outcome(file, one, servers) {
  const { name } = one;
  const why = obstacle(one);
  if (why) return { file, name, result: "not applicable", why };
  const settings = JSON.stringify(one.settings ?? {});
  try {
    const server = servers.get(settings) ?? (await started(one.settings));
    servers.set(settings, server);
    await new Conversation(one, server).run();
    return { file, name, result: "passed" };
  } catch (error) {
    return { file, name, result: "failed", why: /** @type {Error} */ (error).message };
  }
}

/** @param {Record<string, string>} [settings] */
async function started(settings) {
  const server = new Server({
    RIVER_SECRETS: SECRETS.join(),
    RIVER_API_KEYS: API_KEY,
    RIVER_HISTORY_SIZE: "100",
    ...settings,
  });
  await server.start();
  return server;
}
