/** The page as the server renders it. */

import { escaped, taskHtml } from "../public/task.js";
import { TEXT_MAX } from "./tasks.js";

/**
 * @param {import("./tasks.js").Task[]} tasks
 * @param {{host?: string, epoch?: string, offset?: number}} live where River is, and the position that the
 *   page stands for
 */
export function page(tasks, { host, epoch, offset }) {
  const left = tasks.filter(({ done }) => !done).length;
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Chores: a shared list</title>
  <link rel="icon" href="/icon.svg">
  <link rel="stylesheet" href="/style.css">
  ${host ? '<script type="module" src="/live.js"></script>' : ""}
</head>
<body ${data({ host, epoch, offset })}>
  <main>
    <header>
      <p class="pill" id="state" hidden></p>
      <h1>Chores</h1>
      <p class="left"><output id="left">${left}</output> to do
        <span id="others" hidden></span></p>
    </header>
    <form class="add" method="post" action="/tasks">
      <label class="unseen" for="text">A new task</label>
      <input id="text" name="text" maxlength="${TEXT_MAX}" required autocomplete="off"
        enterkeyhint="done" placeholder="What needs doing?">
      <button>Add</button>
    </form>
    <ul id="tasks">
${tasks.map(taskHtml).join("\n")}
    </ul>
    <p class="empty">Nothing to do. Put the kettle on.</p>
  </main>
  <footer>Open this page in a second window: both show the same list.</footer>
</body>
</html>
`;
}

/** @param {Record<string, string | number | undefined>} values */
function data(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => `data-${name}="${escaped(value)}"`).join(" ");
}
