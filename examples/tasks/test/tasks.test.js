import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { tasksApp } from "../src/app.js";
import { riverSettings } from "../src/settings.js";
import { Tasks } from "../src/tasks.js";

let folder = "";
let file = "";
let address = "";
let listener;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tasks-"));
  file = join(folder, "tasks.json");
  listener = tasksApp(new Tasks(file), null).listen(0, "127.0.0.1");
  await once(listener, "listening");
  address = `http://127.0.0.1:${listener.address().port}`;
});

afterEach(async () => {
  listener.closeAllConnections();
  listener.close();
  await rm(folder, { recursive: true, force: true });
});

const post = (path, fields, headers = {}) =>
  fetch(address + path, { method: "POST", body: new URLSearchParams(fields), headers });

test("the list works without River: tasks are added, done and removed", async () => {
  const added = await post("/tasks", { text: "  Feed the cat " });
  const html = await added.text();
  assert.equal(added.status, 200);
  assert.ok(!html.includes("<script"));
  const [, id] = html.match(/id="task-([0-9a-f-]+)"(?:(?!<li)[\s\S])*Feed the cat</);
  const marked = await (await post(`/tasks/${id}`, { done: "yes" })).text();
  assert.ok(marked.includes(`<li id="task-${id}" class="task done">`));
  assert.deepEqual(new Tasks(file).get(id), { id, text: "Feed the cat", done: true });
  await post(`/tasks/${id}`, {});
  assert.equal(new Tasks(file).get(id).done, false);
  await post(`/tasks/${id}/remove`);
  assert.equal(new Tasks(file).get(id), undefined);
});

test("what somebody wrote is text, never HTML", async () => {
  const html = await (await post("/tasks", { text: `<b>&"'` })).text();
  assert.ok(html.includes("&#60;b&#62;&#38;&#34;&#39;"));
  assert.ok(!html.includes("<b>"));
});

test("no text, no task, and no page: nothing changes", async () => {
  const before = new Tasks(file).all().length;
  for (const [path, fields] of [
    ["/tasks", { text: "   " }],
    ["/tasks", {}],
    ["/tasks/none", { done: "yes" }],
    ["/tasks/none/remove", {}],
  ]) {
    assert.equal((await post(path, fields)).status, 200);
  }
  assert.equal((await fetch(`${address}/nothing`)).status, 404);
  assert.equal(new Tasks(file).all().length, before);
});

test("forms of other sites are refused", async () => {
  const answer = await post("/tasks", { text: "spam" }, { "sec-fetch-site": "cross-site" });
  assert.equal(answer.status, 403);
});

test("a list has an end", () => {
  const tasks = new Tasks(file);
  for (let number = 0; number < 250; number++) tasks.add(`${number}`);
  assert.equal(tasks.all().length, 200);
  assert.equal(new Tasks(join(folder, "other.json")).add("x".repeat(500)).text.length, 120);
});

test("River's settings come from the environment, or from a folder above", () => {
  assert.deepEqual(riverSettings({ RIVER_API_KEY: "k", RIVER_SECRETS: "one,two" }, folder), {
    host: "http://127.0.0.1:8000",
    url: "http://127.0.0.1:8001",
    key: "k",
    secret: "one",
  });
  assert.equal(riverSettings({}, "/nowhere/at/all"), null);
});
