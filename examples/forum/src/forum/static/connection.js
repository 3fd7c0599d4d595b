/** The connection in one word, and the notice that posts may be missing. */

const TICK_MS = 250;
const AGAIN_MS = 5_000;

const WORDS = {
  connecting: "connecting",
  connected: "live",
  waiting: "reconnecting",
  closed: "offline",
};

const pill = document.querySelector(".pill");
const missed = document.querySelector(".missed");
const draft = document.querySelector("main textarea");
const kept = `draft ${location.pathname}`;

/** @type {ReturnType<typeof setInterval> | undefined} */
let ticking;

/** @param {{state: keyof typeof WORDS, reason?: string, retryInMs?: number}} status */
export function showState({ state, reason = "", retryInMs = 0 }) {
  const retryAt = Date.now() + retryInMs;
  const show = () => {
    const seconds = Math.ceil((retryAt - Date.now()) / 1_000);
    const when = state === "waiting" && seconds > 0 ? ` in ${seconds} s` : "";
    pill.textContent = state === "waiting" && !navigator.onLine ? "offline" : WORDS[state] + when;
    pill.dataset.state = pill.textContent.split(" ")[0];
  };
  clearInterval(ticking);
  if (state === "waiting") ticking = setInterval(show, TICK_MS);
  pill.title = reason;
  pill.hidden = false;
  show();
}

/**
 * Load River's client, however long the gateway is away.
 *
 * @param {string} url
 */
export async function load(url) {
  for (let attempt = 0; ; attempt++) {
    try {
      // A browser remembers what it could not import: under another address it tries again.
      return await import(attempt ? `${url}?${attempt}` : url);
    } catch {
      showState({ state: "closed", reason: "River cannot be reached" });
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS * (0.5 + Math.random())));
    }
  }
}

/** Say that posts may have passed which River could not hand over. */
export function showMissed() {
  missed.hidden = false;
}

// What was written and not yet sent outlives the reload.
missed.querySelector("button").addEventListener("click", () => {
  if (draft?.value) sessionStorage.setItem(kept, draft.value);
  location.reload();
});
if (draft && !draft.value) draft.value = sessionStorage.getItem(kept) ?? "";
sessionStorage.removeItem(kept);
