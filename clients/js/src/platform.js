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
 * @property {(error: unknown) => void} report show an error that nobody catches; never throws
 * @property {(text: string) => void} warn tell the developer; never throws
 * @property {(notify: (signal: Signal) => void) => () => void} watch returns a function that ends it
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
    wallMs: Date.now,
    random: Math.random,
    setTimer: (task, delayMs) => setTimeout(task, Math.min(Math.max(delayMs, 0), TIMER_MS_MAX)),
    clearTimer: (timer) => clearTimeout(timer),
    defer,
    report,
    warn: (text) => console.warn(`River: ${text}`),
    watch,
  };
}

/** Whether somebody uses this: a page, a worker of one, an app; not a server, where pages are rendered. */
export function isInteractive() {
  const { document, importScripts, navigator } = /** @type {any} */ (globalThis);
  return document || importScripts || navigator?.product === "ReactNative";
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
 * Fail when a promise takes too long.
 *
 * @param {number} limitMs
 * @param {unknown} value a promise, or the value itself
 * @param {Pick<Platform, "setTimer" | "clearTimer">} platform
 * @returns {Promise<unknown>}
 */
export async function within(limitMs, value, platform) {
  /** @type {unknown} */
  let timer;
  const limit = new Promise((_, reject) => {
    const late = () => reject(new Error(`no answer in ${limitMs / 1_000} s`));
    timer = platform.setTimer(late, limitMs);
  });
  return Promise.race([value, limit]).finally(() => platform.clearTimer(timer));
}

/**
 * A timer would do, were it not slowed down to one a second in a page that nobody looks at. React Native
 * has nothing else.
 *
 * @param {() => void} task
 */
function defer(task) {
  if (!globalThis.MessageChannel) return setTimeout(task, 0);
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    task();
  };
  return port2.postMessage(null);
}

/** @param {unknown} error */
function report(error) {
  try {
    (globalThis.reportError ?? console.error)(error);
  } catch {
    // An application that replaced these by what fails: its other callbacks are worth more.
  }
}

/**
 * @param {(signal: Signal) => void} notify
 * @returns {() => void}
 */
function watch(notify) {
  const end = new AbortController();
  const { document } = globalThis;
  const awake = () => document.hidden || notify("awake");
  // Outside of browsers the global object may be no event target, and there is no document.
  for (const name of /** @type {const} */ (["online", "offline"]))
    globalThis.addEventListener?.(name, () => notify(name), end);
  document?.addEventListener?.("visibilitychange", awake, end);
  return () => end.abort();
}
