/** What a browser sees of a site: the app's pages and, on the same port, the real-time server behind it. */

import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";

/** @typedef {(request: {url: string, body: string}) => {type: string, body: string} | undefined} Route */

const BODY_BYTES_MAX = 10_000;

/** One port that can be cut off from the browser, and mended. */
export class Front {
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();
  #cut = false;
  #http = createServer((request, response) => this.#answer(request, response));
  #route;
  #serverPort;

  /**
   * @param {Route} route the app's answers
   * @param {number} serverPort where WebSockets go to
   */
  constructor(route, serverPort) {
    this.#route = route;
    this.#serverPort = serverPort;
    this.#http.on("connection", (socket) => this.#joined(socket));
    this.#http.on("upgrade", (request, socket, head) =>
      this.#through(request, /** @type {import("node:net").Socket} */ (socket), head),
    );
  }

  async start() {
    this.#http.listen(0, "127.0.0.1");
    await once(this.#http, "listening");
  }

  get origin() {
    const address = /** @type {import("node:net").AddressInfo} */ (this.#http.address());
    return `http://127.0.0.1:${address.port}`;
  }

  /** Nothing comes through any more. */
  cut() {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#cut = false;
  }

  end() {
    this.cut();
    this.#http.close();
  }

  /** @param {import("node:net").Socket} socket */
  #joined(socket) {
    if (this.#cut) return socket.destroy();
    this.#sockets.add(socket);
    return socket.on("close", () => this.#sockets.delete(socket));
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async #answer(request, response) {
    let body = "";
    for await (const part of request) if (body.length < BODY_BYTES_MAX) body += part;
    const answer = this.#route({ url: request.url ?? "/", body });
    response.setHeader("cache-control", "no-store");
    if (answer) response.setHeader("content-type", answer.type);
    response.writeHead(answer ? 200 : 404).end(answer?.body);
  }

  /**
   * Hand a WebSocket's opening on as it came, and then all that follows.
   *
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:net").Socket} browser
   * @param {Buffer} head
   */
  #through(request, browser, head) {
    const server = connect(this.#serverPort, "127.0.0.1");
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let at = 0; at < request.rawHeaders.length; at += 2)
      lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
    server.write(`${lines.join("\r\n")}\r\n\r\n`);
    server.write(head);
    browser.setNoDelay(true);
    server.setNoDelay(true);
    join(browser, server);
    join(server, browser);
  }
}

/**
 * @param {import("node:net").Socket} from
 * @param {import("node:net").Socket} to
 */
function join(from, to) {
  from.on("error", () => {});
  from.on("close", () => to.destroy());
  from.pipe(to);
}
