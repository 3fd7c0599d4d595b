import assert from "node:assert/strict";
import { test } from "node:test";
import { endpoint } from "../src/endpoint.js";

const MODULE = "https://rt.example.com/client/river.js";

/** @param {string} protocol */
const page = (protocol) => ({ protocol, host: "app.example:444" });

test("every spelling of a host leads to its WebSocket", () => {
  const spellings = {
    "ws://localhost:8000": "ws://localhost:8000/ws",
    "localhost:8000": "ws://localhost:8000/ws",
    "127.0.0.1:8000/": "ws://127.0.0.1:8000/ws",
    "https://rt.example.com": "wss://rt.example.com/ws",
    "HTTP://RT.example.com": "ws://RT.example.com/ws",
    "wss://rt.example.com/ws": "wss://rt.example.com/ws",
    "https://example.com/river/": "wss://example.com/river/ws",
    "https://example.com/news": "wss://example.com/news/ws",
  };
  for (const [host, url] of Object.entries(spellings)) assert.equal(endpoint(host, MODULE), url);
});

test("without a host it is the one that the module came from", () => {
  assert.equal(endpoint(undefined, MODULE), "wss://rt.example.com/ws");
  assert.equal(
    endpoint(undefined, "http://localhost:8000/client/river.js"),
    "ws://localhost:8000/ws",
  );
});

test("a host without a scheme is as secure as the page", () => {
  assert.equal(endpoint("rt.example.com", MODULE, page("https:")), "wss://rt.example.com/ws");
  assert.equal(endpoint("rt.example.com", MODULE, page("http:")), "ws://rt.example.com/ws");
});

test("behind a proxy at a path it is that path", () => {
  const cases = {
    "https://example.com/rt/client/river.js": "wss://example.com/rt/ws",
    "https://example.com/rt/client/river-0.1.0.js?3": "wss://example.com/rt/ws",
    "https://example.com/a/b/client/river.min.js#2": "wss://example.com/a/b/ws",
    "https://example.com/assets/index-4f3a.js": "wss://example.com/ws",
    "https://example.com/client/main.js": "wss://example.com/ws",
  };
  for (const [module, url] of Object.entries(cases)) assert.equal(endpoint(undefined, module), url);
});

test("a path stands for the page's own origin", () => {
  assert.equal(endpoint("/rt", MODULE, page("https:")), "wss://app.example:444/rt/ws");
  assert.equal(endpoint("/", MODULE, page("http:")), "ws://app.example:444/ws");
  assert.throws(() => endpoint("/rt", MODULE), { code: "host_invalid" });
});

test("what cannot be an address is refused at once", () => {
  for (const host of ["", "ftp://example.com", "ws://", "no host", "http://:8000"]) {
    assert.throws(() => endpoint(host, MODULE), { name: "RiverError", code: "host_invalid" }, host);
  }
  assert.throws(() => endpoint(undefined, "file:///srv/river.js"), { code: "host_invalid" });
});
