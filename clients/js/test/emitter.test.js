import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Emitter } from "../src/emitter.js";

/** @type {unknown[]} */
let reported;
/** @type {Emitter} */
let emitter;
/** @type {unknown[]} */
let heard;

beforeEach(() => {
  reported = [];
  heard = [];
  emitter = new Emitter((error) => reported.push(error));
});

test("callbacks are called in the order in which they were added", () => {
  emitter.on("post", (data) => heard.push(["first", data]));
  emitter.on("post", (data) => heard.push(["second", data]));
  emitter.emit("post", 1);
  assert.deepEqual(heard, [
    ["first", 1],
    ["second", 1],
  ]);
});

test("when a callback throws the others still run and the error is reported", () => {
  const error = new Error("mine");
  emitter.on("post", () => {
    throw error;
  });
  emitter.on("post", () => heard.push("second"));
  emitter.emit("post");
  assert.deepEqual(heard, ["second"]);
  assert.deepEqual(reported, [error]);
});

test("a callback that was added twice is called once", () => {
  const callback = () => heard.push("once");
  emitter.on("post", callback);
  emitter.on("post", callback);
  emitter.emit("post");
  assert.deepEqual(heard, ["once"]);
});

test("a callback that another one removes is not called any more", () => {
  const second = () => heard.push("second");
  emitter.on("post", () => emitter.off("post", second));
  emitter.on("post", second);
  emitter.emit("post");
  assert.deepEqual(heard, []);
});

test("a callback that another one adds waits for the next round", () => {
  emitter.on("post", () => emitter.on("post", () => heard.push("new")));
  emitter.emit("post");
  assert.deepEqual(heard, []);
});

test("one callback or all of a name can be removed", () => {
  const first = () => heard.push("first");
  emitter.on("post", first);
  emitter.on("post", () => heard.push("second"));
  emitter.off("post", first);
  emitter.emit("post");
  emitter.off("post");
  emitter.off("never bound", first);
  emitter.emit("post");
  assert.deepEqual(heard, ["second"]);
});

test("when a callback removes all of its name, no other is called any more", () => {
  emitter.on("post", () => emitter.off("post"));
  emitter.on("post", () => heard.push("second"));
  emitter.emit("post");
  assert.deepEqual(heard, []);
});

test("a callback that is none is refused where it is given", () => {
  // @ts-expect-error: it is the mistake under test
  assert.throws(() => emitter.on("post", undefined), /"post" has no callback/);
});
