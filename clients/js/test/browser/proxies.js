/** Proxies of companies that break WebSockets, each in its own way: a real nginx and a real haproxy. */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createProxy, request } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocketServer } from "ws";
import { until } from "../server.js";

const NGINX = "/usr/sbin/nginx";
const HAPROXY = "/usr/sbin/haproxy";

/** Why there are none here; false when there are. */
export const missing = [NGINX, HAPROXY].every(existsSync) ? false : "nginx or haproxy is missing";

/** What each nginx says of `/ws`, and of `/events` if that is special: its gzip waits for enough to squeeze. */
const LOCATIONS = {
  "takes the Upgrade away": ["proxy_pass http://RIVER;"],
  "answers 403": ["return 403;"],
  "swallows all frames": [
    "proxy_pass http://MUTE; proxy_http_version 1.1; proxy_set_header Connection upgrade; proxy_set_header Upgrade $http_upgrade;",
  ],
  "keeps streams back": [
    "return 403;",
    "proxy_pass http://RIVER; proxy_http_version 1.1; proxy_ignore_headers X-Accel-Buffering; gzip on; gzip_proxied any; gzip_types *; gzip_min_length 0;",
  ],
};

/** @param {string} river @param {string} mute @param {number[]} ports @param {string} folder */
function nginxFile(river, mute, ports, folder) {
  const servers = Object.values(LOCATIONS).map(
    ([ws = "", events = "proxy_pass http://RIVER; proxy_http_version 1.1;"], index) => `
  server {
    listen 127.0.0.1:${ports[index]};
    location / { proxy_pass http://RIVER; proxy_http_version 1.1; }
    location /ws { ${ws} }
    location /events { ${events} }
  }`,
  );
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `daemon off; pid ${folder}/pid; worker_processes 1;
events { worker_connections 512; }
http { access_log off; ${paths.join(" ")} ${servers.join("")} }`
    .replaceAll("RIVER", river)
    .replaceAll("MUTE", mute);
}

/** @param {string} river @param {number | undefined} port */
const haproxyFile = (river, port) => `
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1s
frontend company
  bind 127.0.0.1:${port}
  default_backend river
backend river
  server river ${river}
`;

/** All of them, each at an address of its own. */
export class Proxies {
  /** @type {import("node:child_process").ChildProcess[]} */
  #children = [];
  #folder = "";
  #mute = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  /** @type {Record<string, string>} the address by what the proxy does */
  origins = {};

  /** @param {string} url of River */
  async start(url) {
    const river = new URL(url).host;
    this.#folder = await mkdtemp(join(tmpdir(), "river-proxies-"));
    const ports = await Promise.all([...Object.keys(LOCATIONS), "haproxy"].map(freePort));
    const mute = /** @type {import("node:net").AddressInfo} */ (this.#mute.address());
    const files = {
      "nginx.conf": nginxFile(river, `127.0.0.1:${mute.port}`, ports, this.#folder),
      "haproxy.cfg": haproxyFile(river, ports.at(-1)),
    };
    for (const [name, text] of Object.entries(files))
      await writeFile(join(this.#folder, name), text);
    const at = (/** @type {string} */ name) => join(this.#folder, name);
    this.#run(NGINX, ["-e", at("log"), "-p", this.#folder, "-c", at("nginx.conf")]);
    this.#run(HAPROXY, ["-db", "-f", at("haproxy.cfg")]);
    const names = [...Object.keys(LOCATIONS), "cuts what is silent for a second"];
    for (const [index, name] of names.entries()) {
      this.origins[name] = `http://127.0.0.1:${ports[index]}`;
      const answers = () =>
        fetch(`${this.origins[name]}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        );
      await until(answers, `the proxy that ${name}`);
    }
  }

  async end() {
    for (const child of this.#children) child.kill("SIGKILL");
    this.#mute.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** @param {string} command @param {string[]} args */
  #run(command, args) {
    this.#children.push(spawn(command, args, { stdio: "ignore" }));
  }
}

/** @returns {Promise<number>} */
async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => listener.once("listening", resolve));
  const { port } = /** @type {import("node:net").AddressInfo} */ (listener.address());
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

/** A proxy that lets no WebSocket through until it is mended. */
export class Mendable {
  isMended = false;
  #url;
  #http = createProxy((incoming, outgoing) => this.#forward(incoming, outgoing));

  /** @param {string} url of River */
  constructor(url) {
    this.#url = new URL(url);
    this.#http.on("upgrade", (incoming, socket) => this.#upgrade(incoming, socket));
  }

  /** @returns {Promise<string>} its address */
  async start() {
    this.#http.listen(0, "127.0.0.1");
    await until(() => this.#http.listening, "the proxy");
    const { port } = /** @type {import("node:net").AddressInfo} */ (this.#http.address());
    return `http://127.0.0.1:${port}`;
  }

  end() {
    this.#http.closeAllConnections();
    this.#http.close();
  }

  /** @param {import("node:http").IncomingMessage} from */
  #options({ url, method, headers }) {
    return { host: this.#url.hostname, port: this.#url.port, path: url, method, headers };
  }

  /**
   * @param {import("node:http").IncomingMessage} incoming
   * @param {import("node:http").ServerResponse} outgoing
   */
  #forward(incoming, outgoing) {
    const onward = request(this.#options(incoming), (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    outgoing.on("close", () => onward.destroy());
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  }

  /**
   * @param {import("node:http").IncomingMessage} incoming
   * @param {import("node:stream").Duplex} socket
   */
  #upgrade(incoming, socket) {
    if (!this.isMended) return socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    const onward = connect(Number(this.#url.port), this.#url.hostname);
    const { rawHeaders } = incoming;
    const lines = rawHeaders.map((text, index) => text + (index % 2 ? "\r\n" : ": ")).join("");
    onward.write(`GET ${incoming.url} HTTP/1.1\r\n${lines}\r\n`);
    for (const one of [onward, socket]) one.on("error", () => {});
    onward.pipe(socket).pipe(onward);
    return socket;
  }
}
