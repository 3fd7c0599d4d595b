// Asking again and again while a page is shown.

import { emptyState, h } from "./dom.js";

/** Call `load` now and every so many ms, until the page is left. What fails is shown above the page. */
export function every(ms, view, signal, load) {
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  view.prepend(problem);
  const again = async () => {
    if (signal.aborted) return;
    try {
      if (!document.hidden || !view.dataset.loaded) await load();
      view.dataset.loaded = "yes";
      problem.hidden = true;
    } catch (error) {
      if (signal.aborted) return;
      problem.textContent = error.message;
      problem.hidden = false;
    }
    if (!signal.aborted) setTimeout(again, ms);
  };
  return again();
}

/** Show what a promise gives, or why it gives nothing. */
export async function into(element, promise, render) {
  try {
    element.replaceChildren(...[render(await promise)].flat());
  } catch (error) {
    if (error.name !== "AbortError") element.replaceChildren(emptyState(error.message));
  }
}
