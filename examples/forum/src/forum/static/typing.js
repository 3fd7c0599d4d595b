/** Somebody is typing: who, where, and for how long it is shown. */

const EVERY_MS = 2_000;
const SHOWN_MS = 5_000;

/** @type {Map<string, Map<string, ReturnType<typeof setTimeout>>>} The typists of each thread. */
const typists = new Map();

/**
 * Show a typist for some seconds.
 *
 * @param {string | undefined} user River knows who it was; what follows, another browser has said
 * @param {{thread?: unknown}} where
 */
export function showTyping(user, where) {
  const thread = String(Number(where?.thread));
  if (!user || user === document.body.dataset.me || !line(thread)) return;
  const there = typists.get(thread) ?? new Map();
  const timer = setTimeout(() => stopTyping(user, thread), SHOWN_MS);
  clearTimeout(there.get(user));
  typists.set(thread, there.set(user, timer));
  draw(thread);
}

/**
 * Forget a typist: the post has arrived, or nothing more was typed.
 *
 * @param {string} user
 * @param {string | number} thread 0 for a thread that is being started
 */
export function stopTyping(user, thread) {
  const there = typists.get(String(thread));
  clearTimeout(there?.get(user));
  if (there?.delete(user)) draw(String(thread));
}

/**
 * Call back while the reader types, at most once in two seconds.
 *
 * @param {() => void} tell
 */
export function onTyping(tell) {
  let next = 0;
  document.querySelector("main .compose textarea")?.addEventListener("input", () => {
    if (Date.now() < next) return;
    next = Date.now() + EVERY_MS;
    tell();
  });
}

/** @param {string} thread */
function line(thread) {
  return document.querySelector(`[data-typing="${CSS.escape(thread)}"]`);
}

/** @param {string} thread */
function draw(thread) {
  const names = [...typists.get(thread).keys()];
  const who = names.length > 2 ? `${names.length} people` : names.join(" and ");
  const what = thread === "0" ? "starting a thread" : "typing";
  line(thread).textContent = who && `${who} ${names.length > 1 ? "are" : "is"} ${what}`;
}
