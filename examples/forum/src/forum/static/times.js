/** Times, told by the reader's own clock. */

const AGAIN_MS = 30_000;
const STEPS = /** @type {const} */ ([
  ["hour", 3_600_000],
  ["minute", 60_000],
]);

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** @param {HTMLTimeElement} time */
export function tell(time) {
  const made = new Date(time.dateTime);
  time.textContent = inWords(made, Date.now() - made.getTime());
  time.title = exact.format(made);
}

/** @param {Date} made @param {number} agoMs */
function inWords(made, agoMs) {
  if (agoMs > 86_400_000) return exact.format(made);
  for (const [unit, unitMs] of STEPS) {
    if (agoMs >= unitMs) return relative.format(-Math.floor(agoMs / unitMs), unit);
  }
  return "just now";
}

function tellAll() {
  for (const time of document.querySelectorAll("time[datetime]")) tell(time);
}

tellAll();
setInterval(tellAll, AGAIN_MS);
