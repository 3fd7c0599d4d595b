import assert from "node:assert/strict";
import { test } from "node:test";
import { sleeplessClock, thisPlatform } from "../src/platform.js";
import { FakePlatform } from "./fakes.js";

test("the clock goes on while the machine sleeps", () => {
  const platform = new FakePlatform();
  const clock = sleeplessClock(platform);
  const before = clock();
  platform.sleep(3_600_000);
  platform.now += 5;
  assert.equal(clock() - before, 3_600_000);
});

test("the clock does not go back, nor ahead by a rounding of the wall clock", () => {
  const platform = new FakePlatform();
  const clock = sleeplessClock(platform);
  const before = clock();
  platform.wall -= 3_600_000;
  for (let step = 0; step < 1000; step++) {
    platform.now += 0.4;
    platform.wall += step % 2;
    clock();
  }
  assert.ok(Math.abs(clock() - before - 400) < 1e-6);
});

test("a delay that no timer can hold does not make it fire at once", () => {
  const { setTimer, clearTimer } = thisPlatform();
  /** @type {string[]} */
  const warnings = [];
  const warned = (/** @type {Error} */ { name }) => warnings.push(name);
  process.on("warning", warned);
  clearTimer(setTimer(() => {}, Number.MAX_SAFE_INTEGER));
  clearTimer(setTimer(() => {}, -1));
  process.off("warning", warned);
  assert.deepEqual(warnings, []);
});

test("what is deferred runs in a later turn and leaves nothing behind", async () => {
  const { defer } = thisPlatform();
  let ran = false;
  const done = new Promise((resolve) => {
    defer(() => {
      ran = true;
      resolve(undefined);
    });
  });
  assert.equal(ran, false);
  await done;
});

test("where there is no MessageChannel what is deferred runs all the same", async () => {
  const { MessageChannel } = globalThis;
  Reflect.deleteProperty(globalThis, "MessageChannel");
  try {
    await new Promise((resolve) => thisPlatform().defer(() => resolve(undefined)));
  } finally {
    globalThis.MessageChannel = MessageChannel;
  }
});

test("an application that broke the reporting of errors stops nothing", () => {
  globalThis.reportError = () => {
    throw new Error("mine too");
  };
  thisPlatform().report(new Error("mine"));
  Reflect.deleteProperty(globalThis, "reportError");
});

test("outside of a browser there are no signals to listen to", () => {
  thisPlatform().watch(() => {})();
});

test("in a worker, where there is no document, the others are listened to", () => {
  const worker = new EventTarget();
  const browser = /** @type {any} */ (globalThis);
  browser.addEventListener = worker.addEventListener.bind(worker);
  browser.removeEventListener = worker.removeEventListener.bind(worker);
  /** @type {string[]} */
  const told = [];
  const unwatch = thisPlatform().watch((signal) => told.push(signal));
  worker.dispatchEvent(new Event("online"));
  unwatch();
  worker.dispatchEvent(new Event("online"));
  for (const name of ["addEventListener", "removeEventListener"]) delete browser[name];
  assert.deepEqual(told, ["online"]);
});

test("the signals of a browser are handed on until nobody listens", () => {
  const page = new EventTarget();
  const shown = Object.assign(new EventTarget(), { hidden: true });
  const browser = /** @type {any} */ (globalThis);
  Object.assign(browser, {
    document: shown,
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
  });
  /** @type {string[]} */
  const told = [];
  const unwatch = thisPlatform().watch((signal) => told.push(signal));
  page.dispatchEvent(new Event("offline"));
  page.dispatchEvent(new Event("online"));
  shown.dispatchEvent(new Event("visibilitychange"));
  shown.hidden = false;
  shown.dispatchEvent(new Event("visibilitychange"));
  unwatch();
  page.dispatchEvent(new Event("online"));
  for (const name of ["document", "addEventListener", "removeEventListener"]) delete browser[name];
  assert.deepEqual(told, ["offline", "online", "awake"]);
});
