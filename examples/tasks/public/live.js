/** All that was added in the browser for River. */

import { River } from "/river/river.js";
import { taskHtml } from "/task.js";

const { host, epoch, offset } = document.body.dataset;
const list = document.querySelector("#tasks");

const river = new River({ host, token: async () => (await fetch("/river-token")).text() });
river
  .subscribe("tasks", { since: epoch ? { epoch, offset: Number(offset) } : undefined })
  .on("saved", show)
  .on("removed", ({ id }) => document.getElementById(`task-${id}`)?.remove())
  .on("*", count)
  .on("river:gap", ({ reloadAfterMs }) => setTimeout(() => location.reload(), reloadAfterMs));
const here = river.subscribe("presence-tasks");
for (const news of ["joined", "left", "presence"]) here.on(`river:${news}`, greet);
river.on("state", tell);

function show(task) {
  const shown = document.getElementById(`task-${task.id}`);
  // Focus stays where it is: the button that was pressed is drawn anew.
  const focus = shown?.contains(document.activeElement) && document.activeElement.className;
  if (shown) shown.outerHTML = taskHtml(task);
  else list.insertAdjacentHTML("beforeend", taskHtml(task));
  const drawn = document.getElementById(`task-${task.id}`);
  if (focus) drawn.querySelector(`.${focus}`)?.focus();
  drawn.classList.add("fresh");
}

function count() {
  const left = list.querySelectorAll(".task:not(.done)").length;
  document.querySelector("#left").value = left;
}

function greet() {
  const others = document.querySelector("#others");
  others.hidden = here.presence.count < 2;
  others.textContent = `· ${here.presence.count} people are looking`;
}

function tell({ state, reason }) {
  const pill = document.querySelector("#state");
  pill.hidden = false;
  pill.classList.toggle("connected", state === "connected");
  pill.textContent = state === "connected" ? "live" : state;
  pill.title = reason;
}

// While there is a connection the answer to a form comes through it, and the page stays.
document.addEventListener("submit", async (event) => {
  if (river.state !== "connected") return;
  event.preventDefault();
  const form = event.target;
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(
    () => null,
  );
  if (answer?.type !== "opaqueredirect")
    tell({ state: "not saved", reason: "the list does not answer" });
  else if (form.classList.contains("add")) form.reset();
});
