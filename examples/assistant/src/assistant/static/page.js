/** What the page shows: a form, or the answer in its address. How the rest of an answer comes, the two others say. */

import { follow as followWithLibrary } from "./library.js";
import { follow as followPlainly } from "./plain.js";

const AGAIN_MS = 2_000;

const STATES = { writing: "writing", finished: "finished", stopped: "stopped", failed: "failed" };
const CONNECTIONS = { connected: "live", connecting: "connecting", waiting: "reconnecting", closed: "offline" };

const [, , id, isPlain] = location.pathname.split("/");
const element = (name) => document.getElementById(name);

const page = {
  append(token) {
    element("text").append(token);
  },
  finish(state) {
    element("state").textContent = STATES[state];
    element("answer").dataset.state = state;
    element("stop").hidden = state !== "writing";
    element("connection").hidden = state !== "writing";
  },
  connection(state) {
    element("connection").textContent = CONNECTIONS[state];
    element("connection").dataset.state = state;
  },
  problem(text) {
    element("problem").textContent = text;
    element("problem").hidden = !text;
  },
};

if (id) showAnswer();
else element("ask").hidden = false;

async function showAnswer() {
  const answer = await load();
  document.querySelector("h1").textContent = answer.question;
  element("library").href = `/answers/${id}`;
  element("plain").href = `/answers/${id}/plain`;
  element("answer").hidden = false;
  page.append(answer.text);
  page.finish(answer.state);
  if (answer.state === "writing") (isPlain ? followPlainly : followWithLibrary)(answer, page);
}

/** The answer so far, however long the app is away. */
async function load() {
  for (;;) {
    try {
      const response = await fetch(`/api/answers/${id}`);
      if (response.ok) return await response.json();
      page.problem(response.status === 404 ? "There is no such answer any more." : "");
    } catch {
      page.problem("The app cannot be reached.");
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

element("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = new FormData(event.target);
  const response = await fetch("/api/answers", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ question: fields.get("question") }),
  });
  const answer = await response.json();
  if (response.ok) location.href = `/answers/${answer.id}${fields.has("plain") ? "/plain" : ""}`;
  else page.problem(String(answer.detail));
});

element("stop").addEventListener("click", () => {
  fetch(`/api/answers/${id}/stop`, { method: "POST" }).catch(() => page.problem("Not stopped: try again."));
});
