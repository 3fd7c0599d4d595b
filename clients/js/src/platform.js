/** What River uses of the browser, or of whatever else it runs in. */

/**
 * @typedef {"online" | "offline" | "awake"} Signal the device found a network; it lost its network, or
 *   believes so; the page is looked at again
 *
 * @typedef {object} Platform
 * @property {() => number} steadyMs milliseconds that never go back, but may stand still during sleep
 * @property {() => number} wallMs milliseconds since 1970, which somebody may set
 * @property {() => number} random a number from 0 up to, not including, 1
 * @property {(task: () => void, delayMs: number) => unknown} setTimer
 * @property {(timer: any) => void} clearTimer
 * @property {(task: () => void) => void} defer run the task in a later turn, without delay
 * @property {(error: unknown) => void} report show an error that nobody catches
 * @property {(told: (signal: Signal) => void) => () => void} watch returns a function that ends it
 */

/** A longer delay would overflow, and the timer fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** A wall clock that ran ahead by more than this means that the machine slept. */
const SLEEP_MS = 1_000;

/**
 * The platform at hand.
 *
 * @returns {Platform}
 */
export function thisPlatform() {
  return {
    steadyMs: () => performance.now(),
    wallMs: () => Date.now(),
    random: () => Math.random(),
    setTimer: (task, delayMs) => setTimeout(task, Math.min(Math.max(delayMs, 0), TIMER_MS_MAX)),
    clearTimer: (timer) => clearTimeout(timer),
    defer,
    report,
    watch,
  };
}

/**
 * Milliseconds that never go back and go on while the machine sleeps.
 *
 * @param {Pick<Platform, "steadyMs" | "wallMs">} platform
 * @returns {() => number}
 */
export function sleeplessClock({ steadyMs, wallMs }) {
  const ahead = () => wallMs() - steadyMs();
  let before = ahead();
  let sleptMs = 0;
  return () => {
    const now = ahead();
    if (now - before > SLEEP_MS) sleptMs += now - before;
    before = now;
    return steadyMs() + sleptMs;
  };
}

/**
 * A timer would do, were it not slowed down to one a second in a page that nobody looks at.
 *
 * @param {() => void} task
 */
function defer(task) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    task();
  };
  port2.postMessage(null);
}

/** @param {unknown} error */
function report(error) {
  (globalThis.reportError ?? console.error)(error);
}

/**
 * @param {(signal: Signal) => void} told
 * @returns {() => void}
 */
function watch(told) {
  const awake = () => {
    if (document.visibilityState === "visible") told("awake");
  };
  /** @type {[EventTarget | undefined, string, () => void][]} */
  const listeners = [
    [globalThis, "online", () => told("online")],
    [globalThis, "offline", () => told("offline")],
    [globalThis.document, "visibilitychange", awake],
  ];
  const end = new AbortController();
  // Outside of browsers the global object may be no event target, and there is no document.
  for (const [target, name, listener] of listeners) target?.addEventListener?.(name, listener, end);
  return () => end.abort();
}
