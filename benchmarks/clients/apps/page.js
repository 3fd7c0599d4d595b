/** The page of the app, the same for all clients: where the server is, who the user is, what is shown. */

const seen = /** @type {any} */ (window).seen;

export const host = location.host;

export async function token() {
  return (await fetch("/token")).text();
}

/** @param {{number: number}} post */
export function show({ number }) {
  seen.posts.push({ number, at: Date.now(), sinceStartMs: performance.now() });
  const item = document.createElement("li");
  item.textContent = `Post ${number}`;
  document.querySelector("ul")?.append(item);
}

/** Something may be missing: an app would load its state again. Here it is counted. */
export function missed() {
  seen.missed += 1;
}
