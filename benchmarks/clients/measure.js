/** One load of the page, and one stream of posts with cuts: what a browser shows of them. */

import { until } from "../../clients/js/test/server.js";
import { bundle } from "./contenders.js";
import { Front } from "./front.js";

/**
 * @typedef {import("./contenders.js").Contender} Contender
 * @typedef {import("./contenders.js").Server} Server
 * @typedef {{posts: {number: number, at: number, sinceStartMs: number}[], missed: number}} Seen
 */

const POSTS = 60;
const CUTS = 3;
const BETWEEN_MS = 250;
/** How many posts are published while the network is cut. */
const CUT_POSTS = 4;
/** So long it is waited for the last post, longer than any client waits before its next attempt here. */
const PATIENCE_MS = 30_000;
/** While a page loads it is published so often: no first post is later than this because of it. */
const OFTEN_MS = 10;

const HTML = `<!doctype html><title>Dogs</title><ul></ul>
<script>window.seen = { posts: [], missed: 0 };</script><script type="module" src="/app.js"></script>`;

/** A contender's server with the app in front of it. */
export class Site {
  #contender;
  #browser;
  /** @type {Server} */
  #server;
  /** @type {Front | undefined} */
  #front;

  /**
   * @param {Contender} contender
   * @param {import("playwright-core").Browser} browser
   */
  constructor(contender, browser) {
    this.#contender = contender;
    this.#browser = browser;
    this.#server = new contender.Server();
  }

  async start() {
    const code = await bundle(this.#contender);
    await this.#server.start();
    /** @type {Record<string, {type: string, body: string}>} */
    const pages = {
      "/": { type: "text/html", body: HTML },
      "/app.js": { type: "text/javascript", body: code },
    };
    const { route, port } = this.#server;
    this.#front = new Front((asked) => pages[asked.url] ?? route(asked), Number(port));
    await this.#front.start();
  }

  async remove() {
    this.#front?.end();
    await this.#server.remove();
  }

  /** @returns {Promise<number>} milliseconds from the start of the navigation to the first post */
  async firstPost() {
    return this.#visit(async (page) => {
      let number = 0;
      const publishing = setInterval(() => this.#server.publish({ number: ++number }), OFTEN_MS);
      try {
        await this.#open(page);
        await until(async () => (await look(page)).posts.length > 0, "the first post");
      } finally {
        clearInterval(publishing);
      }
      return Number((await look(page)).posts[0]?.sinceStartMs);
    });
  }

  /** A stream of posts, amid which the network is cut three times. */
  async cuts() {
    return this.#visit(async (page) => {
      await this.#open(page);
      await this.#live(page);
      await page.evaluate(() => {
        const { seen } = /** @type {any} */ (window);
        seen.posts.length = seen.missed = 0;
      });
      /** @type {number[]} */
      const mended = [];
      for (let number = 1; number <= POSTS; number++) {
        const [cut, mend] = turns(number);
        if (cut) this.#front?.cut();
        if (mend) {
          this.#front?.mend();
          mended.push(Date.now());
        }
        await this.#server.publish({ number });
        await pause(BETWEEN_MS);
      }
      const end = Date.now() + PATIENCE_MS;
      const last = async () => (await look(page)).posts.some(({ number }) => number === POSTS);
      while (Date.now() < end && !(await last())) await pause(BETWEEN_MS);
      return outcome(await look(page), mended);
    });
  }

  /**
   * @template T
   * @param {(page: import("playwright-core").Page) => Promise<T>} run in a browser without a cache
   */
  async #visit(run) {
    const context = await this.#browser.newContext();
    try {
      return await run(await context.newPage());
    } finally {
      await context.close();
    }
  }

  /** @param {import("playwright-core").Page} page */
  async #open(page) {
    await page.goto(/** @type {Front} */ (this.#front).origin);
  }

  /**
   * Publish until something is seen.
   *
   * @param {import("playwright-core").Page} page
   */
  async #live(page) {
    await until(async () => {
      await this.#server.publish({ number: 0 });
      return (await look(page)).posts.length > 0;
    }, "the app to be live");
    await pause(BETWEEN_MS);
  }
}

/**
 * @param {import("playwright-core").Page} page
 * @returns {Promise<Seen>}
 */
const look = (page) => page.evaluate(() => /** @type {any} */ (window).seen);

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Whether the network is cut before a post, and whether it is mended.
 *
 * @param {number} number
 */
function turns(number) {
  const every = POSTS / (CUTS + 1);
  const since = number % every;
  return [since === 0 && number < POSTS, since === CUT_POSTS && number > every];
}

/**
 * @param {Seen} seen
 * @param {number[]} mended when the network was back
 */
function outcome({ posts, missed }, mended) {
  const numbers = posts.map(({ number }) => number);
  const distinct = new Set(numbers);
  const first = (/** @type {number} */ time) => posts.find(({ at }) => at >= time)?.at ?? Infinity;
  return {
    published: POSTS,
    lost: POSTS - distinct.size,
    doubled: numbers.length - distinct.size,
    disordered: numbers.filter((number, at) => number < Number(numbers[at - 1])).length,
    told: missed,
    backMs: mended.map((time) => first(time) - time),
  };
}
