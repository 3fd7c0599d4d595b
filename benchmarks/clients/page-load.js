/**
 * A page's first load at a long round trip: requests, bytes, time to the first event, for three clients as their
 * documentation includes them without a build. `node page-load.js [--loads N] [--rtt MS] [--record]`.
 */

import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer as createHttp } from "node:http";
import { connect, createServer } from "node:net";
import { parseArgs } from "node:util";
import { brotliCompressSync } from "node:zlib";
import { chromium } from "playwright-core";
import { Server } from "../../clients/js/test/server.js";
import { CentrifugoServer, missing } from "./servers/centrifugo.js";
import { COMMIT, EarlierRiver } from "./servers/earlier.js";
import { RiverServer } from "./servers/river.js";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
const PAGE = new URL("../../docs/performance.md", import.meta.url);
const [BEGIN, END] = ["<!-- page load -->\n", "<!-- /page load -->"];
const PUBLISH_MS = 25;
const WAIT_MS = 30_000;
const YEAR_S = 31_536_000;

const { values } = parseArgs({
  options: {
    loads: { type: "string", default: "5" },
    rtt: { type: "string", default: "300" },
    record: { type: "boolean", default: false },
  },
});
const RTT_MS = Number(values.rtt);

/** A port from which another one is a round trip away, and a connection costs one more. */
class Distance {
  bytes = 0;
  #listener = createServer((client) => this.#joined(client));
  #target;

  /** @param {number} target */
  constructor(target) {
    this.#target = target;
  }

  async start() {
    await once(this.#listener.listen(0, "127.0.0.1"), "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (this.#listener.address());
    this.host = `127.0.0.1:${port}`;
    return this;
  }

  end() {
    this.#listener.close();
  }

  /** @param {import("node:net").Socket} client */
  #joined(client) {
    const server = connect(this.#target, "127.0.0.1");
    client.setNoDelay(true);
    server.setNoDelay(true);
    server.on("data", ({ length }) => {
      this.bytes += length;
    });
    later(client, server, RTT_MS);
    later(server, client, 0);
  }
}

/**
 * @param {import("node:net").Socket} from
 * @param {import("node:net").Socket} to
 * @param {number} handshakeMs
 */
function later(from, to, handshakeMs) {
  let due = performance.now() + handshakeMs;
  /** @param {() => void} act */
  const at = (act) => {
    due = Math.max(due, performance.now() + RTT_MS / 2);
    setTimeout(act, due - performance.now());
  };
  from.on("data", (data) => at(() => to.write(data)));
  from.on("error", () => {});
  from.on("close", () => at(() => to.destroy()));
}

/** The app's own pages, and a content network's files: compressed, and kept by browsers for good. */
class Origin {
  /** @type {(request: {url: string, body: string}) => {type: string, body: string} | undefined} */
  route = () => undefined;
  /** @type {Map<string, Buffer>} */
  files = new Map();
  #http = createHttp(async (request, response) => {
    const url = request.url ?? "/";
    const file = this.files.get(url);
    if (file) {
      response.setHeader("content-encoding", "br");
      response.setHeader("cache-control", `public, max-age=${YEAR_S}, immutable`);
      response.writeHead(200, { "content-type": "text/javascript" }).end(file);
      return;
    }
    let body = "";
    for await (const part of request) body += part;
    const answer = this.route({ url, body });
    response.setHeader("cache-control", "no-store");
    response.writeHead(answer ? 200 : 404, { "content-type": answer?.type ?? "text/plain" });
    response.end(answer?.body);
  });

  async start() {
    await once(this.#http.listen(0, "127.0.0.1"), "listening");
    return /** @type {import("node:net").AddressInfo} */ (this.#http.address()).port;
  }

  end() {
    this.#http.closeAllConnections();
    this.#http.close();
  }
}

/** River's own server as one of Pusher's protocol. */
class PusherServer {
  #secret = "a-secret-of-the-bench-that-is-long-enough";
  #river = new Server({
    RIVER_APPS: JSON.stringify([{ id: "1", key: "app", secret: this.#secret, native: true }]),
  });
  port = 0;

  async start() {
    await this.#river.start();
    this.port = Number(new URL(this.#river.url).port);
  }

  /** @param {{url: string, body: string}} request */
  route = ({ url, body }) => {
    if (url !== "/pusher/auth") return undefined;
    const form = new URLSearchParams(body);
    const text = `${form.get("socket_id")}:${form.get("channel_name")}`;
    const signature = createHmac("sha256", this.#secret).update(text).digest("hex");
    return { type: "application/json", body: JSON.stringify({ auth: `app:${signature}` }) };
  };

  /** @param {object} post */
  publish(post) {
    return this.#river.publish("private-dogs", post);
  }

  remove() {
    return this.#river.remove();
  }
}

const module = (/** @type {string} */ name) => new URL(`node_modules/${name}`, import.meta.url);

const { version: VERSION } = JSON.parse(
  await readFile(module("river-realtime/package.json"), "utf8"),
);

/** @param {string} file */
const fromGateway = (file) => (/** @type {string} */ server) =>
  `<script type="module">
  const { River } = await import("http://${server}/client/${file}");
  new River({ token: () => fetch("/token") }).subscribe("private-dogs").on("post", seen);
  </script>`;

/** Each with its page; `server` and `cdn` are hosts. */
const CONTENDERS = [
  {
    name: `River before it was one file (\`${COMMIT}\`)`,
    Server: EarlierRiver,
    page: (/** @type {string} */ server) => `<script type="module">
      import { River } from "http://${server}/client/river.js";
      const token = async () => (await fetch("/token")).text();
      new River({ host: "ws://${server}", token }).subscribe("private-dogs").bind("post", seen);
      </script>`,
  },
  { name: "River, `/client/river.js`", Server: RiverServer, page: fromGateway("river.js") },
  {
    name: "River, `/client/river-VERSION.js`",
    Server: RiverServer,
    page: fromGateway(`river-${VERSION}.js`),
  },
  {
    name: "centrifuge, from a content network",
    Server: CentrifugoServer,
    file: module("centrifuge/dist/centrifuge.js"),
    page: (/** @type {string} */ server, /** @type {string} */ cdn) => `
      <script src="http://${cdn}/client.js"></script><script>
      const getToken = async () => (await fetch("/token")).text();
      const centrifuge = new Centrifuge("ws://${server}/connection/websocket", { getToken });
      const dogs = centrifuge.newSubscription("private-dogs");
      dogs.on("publication", seen);
      dogs.subscribe();
      centrifuge.connect();
      </script>`,
  },
  {
    name: "pusher-js, from a content network",
    Server: PusherServer,
    file: module("pusher-js/dist/web/pusher.min.js"),
    page: (/** @type {string} */ server, /** @type {string} */ cdn) => `
      <script src="http://${cdn}/client.js"></script><script>
      const [wsHost, wsPort] = "${server}".split(":");
      const where = { cluster: "", wsHost, wsPort, forceTLS: false, enabledTransports: ["ws"] };
      const channelAuthorization = { endpoint: "/pusher/auth" };
      new Pusher("app", { ...where, channelAuthorization }).subscribe("private-dogs").bind("post", seen);
      </script>`,
  },
];

/**
 * @param {import("playwright-core").Browser} browser
 * @param {typeof CONTENDERS[number]} contender
 */
async function measured(browser, { name, Server: Kind, file, page }) {
  const server = new Kind();
  await server.start();
  const [app, cdn] = [new Origin(), new Origin()];
  const ports = [await app.start(), await cdn.start(), Number(server.port)];
  const ways = await Promise.all(ports.map((port) => new Distance(port).start()));
  const [appHost, cdnHost, serverHost] = ways.map(({ host }) => String(host));
  if (file) cdn.files.set("/client.js", brotliCompressSync(await readFile(file)));
  const seen =
    "<!doctype html><script>const seen = () => { globalThis.at ??= performance.now(); }</script>";
  const html = seen + page(String(serverHost), String(cdnHost));
  app.route = (request) =>
    request.url === "/" ? { type: "text/html", body: html } : server.route(request);
  let number = 0;
  const timer = setInterval(() => server.publish({ number: number++ }).catch(() => {}), PUBLISH_MS);
  const cold = [];
  const warm = [];
  let requests = 0;
  let bytes = 0;
  try {
    for (let load = 0; load < Number(values.loads); load++) {
      const context = await browser.newContext();
      for (const times of [cold, warm]) {
        const opened = await context.newPage();
        const count = () => {
          if (times === cold) requests += 1;
        };
        if (times === cold) requests = 0;
        opened.on("request", count).on("websocket", count);
        for (const way of ways) way.bytes = 0;
        await opened.goto(`http://${appHost}/`);
        await opened.waitForFunction("globalThis.at", undefined, { timeout: WAIT_MS });
        times.push(Number(await opened.evaluate("globalThis.at")));
        if (times === cold) bytes = ways.reduce((sum, way) => sum + way.bytes, 0);
        await opened.close();
      }
      await context.close();
    }
  } finally {
    clearInterval(timer);
    for (const one of [...ways, app, cdn]) one.end();
    await server.remove();
  }
  return `| ${name} | ${requests} | ${(bytes / 1_000).toFixed(1)} kB | ${said(cold)} | ${said(warm)} |`;
}

/** @param {number[]} times */
function said(times) {
  const [low, middle, high] = [0, times.length >> 1, times.length - 1].map(
    (at) => `${Math.round(Number([...times].sort((one, other) => one - other)[at]))}`,
  );
  return `${middle} ms (${low} to ${high})`;
}

const browser = await chromium.launch({
  executablePath: BROWSER,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic"],
});
const rows = [
  "|  | requests | bytes received | first event | with a warm cache |",
  "| --- | --- | --- | --- | --- |",
];
try {
  for (const contender of CONTENDERS) {
    const why = contender.Server === CentrifugoServer ? missing() : undefined;
    if (why) console.error(`${contender.name} is left out: ${why}`);
    else rows.push(await measured(browser, contender));
  }
} finally {
  await browser.close();
}
const table = `${rows.join("\n")}\n`;
console.log(table);
if (values.record) {
  const text = await readFile(PAGE, "utf8");
  const [before, rest] = text.split(BEGIN);
  await writeFile(PAGE, `${before}${BEGIN}${table}${END}${rest?.split(END)[1]}`);
}
