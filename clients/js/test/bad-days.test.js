import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { promisify } from "node:util";
import WebSocket from "ws";
import { River } from "../src/river.js";
import { Server, unavailable, until } from "./server.js";

const run = promisify(execFile);

/** @typedef {(socket: import("node:net").Socket, request: string) => void} Mood what it does instead of its duty */

const ACCEPT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** @type {Mood} */
const hangsUp = (socket) => socket.destroy();
/** @type {Mood} */
const saysHtml = (socket) =>
  socket.end(
    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>Hotel</html>",
  );
/** @type {Mood} */
const redirects = (socket) =>
  socket.end(
    "HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
  );
/** @type {Mood} */
const isOverloaded = (socket) =>
  socket.end("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");

/**
 * A server that opens the WebSocket, says something, and goes on from there.
 *
 * @param {...(string | Buffer)} frames
 * @returns {Mood}
 */
const opensAnd =
  (...frames) =>
  (socket, request) => {
    const [, key] = /** @type {RegExpMatchArray} */ (request.match(/sec-websocket-key: (\S+)/i));
    const accept = createHash("sha1")
      .update(key + ACCEPT)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
    for (const frame of frames) socket.write(frame);
  };

/** @param {unknown} message */
const frame = (message) => {
  const text = Buffer.from(typeof message === "string" ? message : JSON.stringify(message));
  return Buffer.concat([Buffer.from([0x81, text.length]), text]);
};
const CLOSE = Buffer.from([0x88, 0x02, 0x03, 0xe8]);
const WELCOME = frame({ type: "welcome", session: "s", auth_timeout_s: 15 });
const AUTHENTICATED = frame({ type: "authenticated", id: "auth", user: "ada", expires_at: null });

describe("bad days, with a real server at the end", { skip: unavailable }, () => {
  const server = new Server({ RIVER_JWT_LEEWAY_S: "0" });
  let number = 0;
  /** @type {(() => void)[]} what to do after each test, however it went */
  const ends = [];

  before(() => server.start());
  after(() => server.remove());
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  /** @type {[string, Mood[], RegExp][]} what happens, how, and what the client says about it */
  const days = [
    ["a connection that is cut at once", [hangsUp, hangsUp], /cannot be reached/],
    ["a proxy that answers HTML", [saysHtml, saysHtml], /cannot be reached/],
    ["a proxy that asks to log in", [redirects], /cannot be reached/],
    ["a proxy that is overloaded", [isOverloaded], /cannot be reached/],
    ["a WebSocket of somebody else", [opensAnd(frame("hello"))], /is not River/],
    ["a WebSocket that says JSON of another kind", [opensAnd(frame("[1]"))], /is not River/],
    ["binary messages", [opensAnd(Buffer.from([0x82, 0x01, 0x00]))], /is not River/],
    ["frames that are none", [opensAnd("\xff\xff\xff\xff")], /cannot be reached|lost|closed/],
    [
      "a server that closes after each message",
      [opensAnd(WELCOME, CLOSE), opensAnd(WELCOME, AUTHENTICATED, CLOSE), opensAnd(CLOSE)],
      /closed by the server/,
    ],
  ];

  for (const [day, moods, words] of days) {
    test(`${day} is said in words, and lived through`, async () => {
      const moody = await moodyAt([...moods]);
      /** @type {string[]} */
      const reasons = [];
      const river = client(moody.host);
      river.on("state", ({ state, reason }) => {
        if (state === "waiting") reasons.push(reason);
      });
      await hearsOnce(river);
      assert.ok(reasons.length >= moods.length);
      assert.match(reasons[0] ?? "", words);
    });
  }

  test("a server that is not there is waited for", async () => {
    const first = await moodyAt([]);
    first.end();
    const river = client(first.host);
    await until(() => river.state === "waiting", "the refusal");
    assert.equal(river.reason, "the server cannot be reached");
    await moodyAt([], Number(first.host.split(":")[1]));
    await hearsOnce(river);
  });

  test("a name that nobody has is a server that cannot be reached", async () => {
    const river = client("river.invalid");
    await until(() => river.state === "waiting", "the refusal");
    assert.equal(river.reason, "the server cannot be reached");
  });

  test("TLS with a server that has none cannot be reached", async () => {
    const { host } = await moodyAt([saysHtml, saysHtml, saysHtml]);
    const river = client(`https://${host}`);
    await until(() => river.state === "waiting", "the refusal");
    assert.equal(river.reason, "the server cannot be reached");
  });

  test("a certificate that nobody vouches for is a server that cannot be reached", async () => {
    const folder = await mkdtemp(join(tmpdir(), "river-tls-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const files = ["-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=localhost"];
    await run("openssl", ["req", "-x509", ...kind, ...files]);
    const secure = createTlsServer({ key: await readFile(key), cert: await readFile(cert) });
    await rm(folder, { recursive: true });
    let attempts = 0;
    secure.on("tlsClientError", () => {
      attempts += 1;
    });
    secure.listen(0, "127.0.0.1");
    await once(secure, "listening");
    ends.push(() => secure.close());
    const { port } = /** @type {import("node:net").AddressInfo} */ (secure.address());
    const river = client(`https://localhost:${port}`);
    await until(() => attempts > 1, "a second attempt");
    await until(() => river.state === "waiting", "the refusal");
    assert.equal(river.reason, "the server cannot be reached");
  });

  test("a path that River does not have is told apart from River", async () => {
    const river = client(`${server.url}/elsewhere`);
    await until(() => river.state === "waiting", "the refusal");
    assert.equal(river.reason, "the server cannot be reached");
  });

  test("a token function that throws, then gives garbage, then an expired token, is asked again", async () => {
    let asked = 0;
    const old = await server.token("ada", { ttl_s: 1 });
    await until(() => expired(old), "the token to expire");
    const river = client(server.url, async () => {
      asked += 1;
      if (asked === 1) throw new Error("no session");
      if (asked === 2) return "garbage";
      return asked === 3 ? old : server.token("ada");
    });
    /** @type {string[]} */
    const reasons = [];
    river.on("state", ({ state, reason }) => {
      if (state === "waiting") reasons.push(reason);
    });
    await hearsOnce(river);
    assert.equal(asked, 4);
    assert.match(reasons.join("; "), /no session; .*not a JSON Web Token; .*expired/i);
  });

  test("a server that takes the connection and never answers is given up", async () => {
    const moody = await moodyAt([() => {}]);
    const river = client(moody.host);
    await until(() => river.state === "waiting", "the first to be given up");
    assert.equal(river.reason, "the server does not answer");
    river.disconnect();
    river.connect();
    await hearsOnce(river);
  });

  /**
   * @param {string} host
   * @param {import("../src/river.js").Options["token"]} [token]
   */
  function client(host, token = () => server.token("ada")) {
    const river = new River({ host, token, WebSocket: /** @type {any} */ (WebSocket) });
    ends.push(() => river.disconnect());
    return river;
  }

  /**
   * @param {Mood[]} moods
   * @param {number} [port]
   */
  async function moodyAt(moods, port) {
    const moody = await listening(moods, server.url, port);
    ends.push(moody.end);
    return moody;
  }

  /**
   * In the end it works, once.
   *
   * @param {River} river
   */
  async function hearsOnce(river) {
    const name = `bad-${++number}`;
    /** @type {unknown[]} */
    const heard = [];
    const channel = river.subscribe(name).bind("post", (data) => heard.push(data));
    await until(() => channel.live, "the channel");
    await server.publish(name, 1, 2);
    await until(() => heard.length > 1, "both events");
    assert.deepEqual(heard, [1, 2]);
  }
});

/**
 * A port whose first connections meet a mood each; those that follow get through.
 *
 * @param {Mood[]} moods
 * @param {string} url
 * @param {number} [port]
 */
async function listening(moods, url, port = 0) {
  /** @type {Set<import("node:net").Socket>} */
  const sockets = new Set();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", (first) => {
      const mood = moods.shift();
      if (mood) return mood(socket, String(first));
      const through = connect(Number(new URL(url).port), "127.0.0.1");
      sockets.add(through);
      through.on("error", () => socket.destroy());
      through.write(first);
      return socket.pipe(through).pipe(socket);
    });
  });
  listener.listen(port, "127.0.0.1");
  await once(listener, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (listener.address());
  const end = () => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  };
  return { host: `127.0.0.1:${address.port}`, end };
}

/** @param {string} token */
function expired(token) {
  const { exp } = JSON.parse(String(Buffer.from(token.split(".")[1] ?? "", "base64url")));
  return Date.now() / 1_000 > exp;
}
