// What a page shows while it is open: answers that go on, over one stream a page.

import { ApiError, ask, filled } from "./api.js";
import { emptyState, h } from "./dom.js";

const AGAIN_MS = 2000;

/**
 * Show what the API answers, now and every so many ms, until the page is left. What fails is shown
 * above it. See `follow`.
 */
export function live(ms, view, signal, asks, show) {
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  view.prepend(problem);
  return follow(ms, signal, asks, show, (error) => {
    problem.textContent = error?.message ?? "";
    problem.hidden = !error;
  });
}

/**
 * Ask and go on until `signal` says so; the function that this gives asks anew at once.
 *
 * `asks()` gives pairs of a path and a query. `show` gets the answers in their order, and the numbers
 * of those that have changed, once a round. `report` gets what failed, or null. A page that nobody
 * sees has no stream, since browsers open six to one host, unless `unseen` is set.
 */
export function follow(ms, signal, asks, show, report, { unseen = false } = {}) {
  let current = new AbortController();
  const begin = async () => {
    current.abort();
    current = new AbortController();
    const ended = AbortSignal.any([signal, current.signal]);
    while (!ended.aborted && (unseen || !document.hidden)) {
      try {
        await rounds(asks(), { ms, show, report, ended });
      } catch (error) {
        if (!ended.aborted) report(error);
      }
      await paused(AGAIN_MS, ended);
    }
  };
  if (!unseen) document.addEventListener("visibilitychange", () => (document.hidden ? current.abort() : begin()), { signal });
  begin();
  return begin;
}

/** Read one stream to its end: see `riverd/api/live.py`. */
async function rounds(asks, { ms, show, report, ended }) {
  const query = [["every_ms", ms], ...asks.map(([path, asked]) => ["ask", `${path}?${new URLSearchParams(filled(asked))}`])];
  const { body } = await ask("GET", "console/live", query, undefined, ended);
  const answers = [];
  let changed = new Set();
  for await (const line of lines(body)) {
    if (line.startsWith("data: ")) {
      const [number, status, answer] = JSON.parse(line.slice(6));
      answers[number] = status === 200 ? answer : new ApiError(status, answer.error.code, answer.error.message);
      changed.add(number);
    } else if (line === ":") {
      const failed = answers.find((one) => one instanceof ApiError) ?? null;
      report(failed);
      if (failed !== null) continue;
      show(answers, changed);
      changed = new Set();
    }
  }
}

async function* lines(body) {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = parts.pop();
    yield* parts;
  }
}

/** Wait so long, or until it is over. */
export const paused = (ms, ended) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  ended.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

/** Show what a promise gives, or why it gives nothing. */
export async function into(element, promise, render) {
  try {
    element.replaceChildren(...[render(await promise)].flat());
  } catch (error) {
    if (error.name !== "AbortError") element.replaceChildren(emptyState(error.message));
  }
}
