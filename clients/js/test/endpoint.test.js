import assert from "node:assert/strict";
import { test } from "node:test";
import { endpoint } from "../src/endpoint.js";

const MODULE = "https://rt.example.com/client/river.js";

test("every spelling of a host leads to its WebSocket", () => {
  const spellings = {
    "ws://localhost:8000": "ws://localhost:8000/ws",
    "localhost:8000": "ws://localhost:8000/ws",
    "127.0.0.1:8000/": "ws://127.0.0.1:8000/ws",
    "https://rt.example.com": "wss://rt.example.com/ws",
    "HTTP://RT.example.com": "ws://rt.example.com/ws",
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
  assert.equal(endpoint("rt.example.com", MODULE, "https:"), "wss://rt.example.com/ws");
  assert.equal(endpoint("rt.example.com", MODULE, "http:"), "ws://rt.example.com/ws");
});

test("what cannot be an address is refused at once", () => {
  for (const host of ["", "ftp://example.com", "ws://", "no host", "http://:8000"]) {
    assert.throws(() => endpoint(host, MODULE), { name: "RiverError", code: "host_invalid" }, host);
  }
  assert.throws(() => endpoint(undefined, "file:///srv/river.js"), { code: "host_invalid" });
});
