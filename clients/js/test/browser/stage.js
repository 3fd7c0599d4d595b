/** A Chromium, and a server for the pages that it opens. */

import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { unavailable } from "../server.js";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
const HOME = new URL("../../", import.meta.url);
const TYPES = { ".js": "text/javascript", ".html": "text/html" };

/** Why the tests in a browser cannot run here; false when they can. */
export const skip = unavailable || (existsSync(BROWSER) ? false : `there is no ${BROWSER}`);

/** Pages of one origin, which live on when River does not. */
export class Stage {
  /** @type {import("playwright-core").Browser | undefined} */
  #browser;
  #http = createServer((request, response) => this.#serve(request.url ?? "/", response));
  /** @type {Record<string, string>} pages by their path */
  pages = { "/": "<!doctype html><title>A page</title>" };
  origin = "";

  async start() {
    this.#http.listen(0, "127.0.0.1");
    await once(this.#http, "listening");
    const address = /** @type {import("node:net").AddressInfo} */ (this.#http.address());
    this.origin = `http://127.0.0.1:${address.port}`;
    const args = ["--no-sandbox", "--disable-gpu", "--disable-quic"];
    this.#browser = await chromium.launch({ executablePath: BROWSER, args });
  }

  async end() {
    await this.#browser?.close();
    this.#http.closeAllConnections();
    this.#http.close();
  }

  async context() {
    return /** @type {import("playwright-core").Browser} */ (this.#browser).newContext();
  }

  /**
   * The longest task of a page's main thread while something is done, in milliseconds of its processor's
   * time: other programs of the machine make a task last longer, but not this.
   *
   * @template T
   * @param {import("playwright-core").Page} page
   * @param {() => Promise<T>} run
   * @returns {Promise<{result: T, longestMs: number}>}
   */
  async longestTask(page, run) {
    const browser = /** @type {import("playwright-core").Browser} */ (this.#browser);
    const categories = ["disabled-by-default-devtools.timeline", "__metadata"];
    await browser.startTracing(page, { categories });
    const result = await run();
    const { traceEvents } = JSON.parse(String(await browser.stopTracing()));
    const mains = new Set(
      traceEvents
        .filter((/** @type {any} */ { args }) => args?.name === "CrRendererMain")
        .map((/** @type {any} */ { pid, tid }) => `${pid} ${tid}`),
    );
    const tasks = traceEvents.filter(
      (/** @type {any} */ { name, pid, tid }) => name === "RunTask" && mains.has(`${pid} ${tid}`),
    );
    if (tasks.length === 0) throw new Error("the trace has no tasks");
    let longestMs = 0;
    for (const { tdur = 0 } of tasks) longestMs = Math.max(longestMs, tdur / 1_000);
    return { result, longestMs };
  }

  /**
   * A page that has the client as `River`, and its own global object as `page`.
   *
   * @param {import("playwright-core").BrowserContext} context
   * @param {{module?: string, path?: string, clock?: boolean}} [other] another module, whose exports
   *   become global; `clock`: the page's time can be put forward
   */
  async page(context, { module = "/src/river.js", path = "/", clock = false } = {}) {
    const page = await context.newPage();
    if (clock) await page.clock.install();
    await page.addInitScript(() => Object.assign(globalThis, { page: globalThis }));
    await page.goto(this.origin + path);
    await page.evaluate(
      (source) => import(source).then((exported) => Object.assign(globalThis, exported)),
      module,
    );
    return page;
  }

  /**
   * @param {string} url
   * @param {import("node:http").ServerResponse} response
   */
  async #serve(url, response) {
    const path = url.split("?")[0] ?? "/";
    const page = this.pages[path];
    const type = page === undefined ? path.slice(path.lastIndexOf(".")) : ".html";
    try {
      const file = new URL(`.${path}`, HOME);
      const body = page ?? (await readFile(fileURLToPath(file)));
      response.setHeader("content-type", TYPES[/** @type {".js"} */ (type)] ?? "text/plain");
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  }
}
