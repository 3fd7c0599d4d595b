/** How a task looks: the server and the browser draw it with the same words. */

/** @param {unknown} text */
export function escaped(text) {
  return String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/**
 * @param {{id: string, text: string, done: boolean}} task
 * @returns {string} safe HTML
 */
export function taskHtml({ id, text, done }) {
  const [path, words] = [`/tasks/${escaped(id)}`, escaped(text)];
  return `<li id="task-${escaped(id)}" class="task${done ? " done" : ""}">
  <form method="post" action="${path}">
    <button class="mark" name="done" value="${done ? "" : "yes"}" aria-pressed="${done}">
      <span class="box" aria-hidden="true"></span><span class="text">${words}</span>
    </button>
  </form>
  <form method="post" action="${path}/remove">
    <button class="remove" aria-label="Remove: ${words}"><span aria-hidden="true">×</span></button>
  </form>
</li>`;
}
