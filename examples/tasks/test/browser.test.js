import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { Network, Server, unavailable, until } from "../../../clients/js/test/server.js";
import { tasksApp } from "../src/app.js";
import { Live } from "../src/live.js";
import { Tasks } from "../src/tasks.js";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** Where screenshots go; none are made without it. */
const PICTURES =
  process.env.TASKS_PICTURES && fileURLToPath(new URL("../../../docs/images", import.meta.url));
const skip = unavailable || (existsSync(BROWSER) ? false : `there is no ${BROWSER}`);
const PHONE = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, hasTouch: true };
const DESK = { viewport: { width: 1120, height: 800 } };

describe("in two windows", { skip }, () => {
  const river = new Server();
  let browser;
  let folder = "";
  let network;
  let listener;
  let address = "";
  let requests;
  let contexts;

  before(async () => {
    await river.start();
    browser = await chromium.launch({
      executablePath: BROWSER,
      args: ["--no-sandbox", "--disable-gpu"],
    });
  });

  after(async () => {
    await browser?.close();
    await river.remove();
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "tasks-"));
    network = new Network(river.url);
    await network.start();
    const { apiUrl: url, apiKey: key, secret } = river;
    const live = new Live({ host: `http://${network.host}`, url, key, secret });
    const app = tasksApp(new Tasks(join(folder, "tasks.json")), live);
    requests = [];
    listener = app.listen(0, "127.0.0.1");
    listener.on("request", ({ method, url: path }) => requests.push(`${method} ${path}`));
    await once(listener, "listening");
    address = `http://127.0.0.1:${listener.address().port}`;
    contexts = [];
  });

  afterEach(async () => {
    for (const context of contexts) await context.close();
    listener.closeAllConnections();
    listener.close();
    network.end();
    await rm(folder, { recursive: true, force: true });
  });

  async function window(options = DESK) {
    const context = await browser.newContext(options);
    contexts.push(context);
    const page = await context.newPage();
    page.on("pageerror", (error) => assert.fail(error));
    await page.goto(address);
    await page.getByText("live", { exact: true }).waitFor();
    return page;
  }

  const texts = (page) => page.locator(".task .text").allTextContents();
  const add = async (page, text) => {
    await page.getByLabel("A new task").fill(text);
    await page.keyboard.press("Enter");
  };
  const picture = async (page, name) => {
    if (!PICTURES) return;
    await mkdir(PICTURES, { recursive: true });
    await page.waitForFunction(() =>
      document.getAnimations().every((one) => one.playState === "finished"),
    );
    await page.screenshot({ path: join(PICTURES, `tasks-${name}.png`) });
  };

  test("what one adds, completes and removes the other sees, without asking", async () => {
    const [ada, bob] = [await window(), await window(PHONE)];
    await ada.getByText("2 people are looking").waitFor();
    requests = [];
    await add(ada, "Feed the <cat>");
    await bob.getByText("Feed the <cat>").waitFor();
    assert.equal(await ada.getByLabel("A new task").inputValue(), "");
    assert.equal(await bob.locator("#left").textContent(), "3");
    await bob.getByRole("button", { name: "Buy bread and apples", exact: true }).tap();
    await ada.locator(".done", { hasText: "bread" }).waitFor();
    assert.deepEqual(await texts(ada), await texts(bob));
    await picture(ada, "desktop");
    await picture(bob, "phone");
    await ada.getByRole("button", { name: "Remove: Water the plants" }).click();
    await bob.getByText("Water the plants").waitFor({ state: "detached" });
    assert.ok(
      requests.every((line) => line.startsWith("POST")),
      requests.join(),
    );
    assert.equal(requests.length, 3);
  });

  test("what happened while one was cut off appears after it, in order and once", async () => {
    const [ada, bob] = [await window(), await window()];
    network.cut();
    await bob.getByText("live", { exact: true }).waitFor({ state: "detached" });
    const kept = await texts(bob);
    for (const text of ["one", "two", "three"]) {
      await fetch(`${address}/tasks`, { method: "POST", body: new URLSearchParams({ text }) });
    }
    requests = [];
    network.mend();
    for (const page of [ada, bob]) await page.getByText("three", { exact: true }).waitFor();
    assert.deepEqual(await texts(bob), [...kept, "one", "two", "three"]);
    assert.deepEqual(
      requests.filter((line) => !line.endsWith("/river-token")),
      [],
    );
  });

  test("what changed between the page and its subscription is drawn", async () => {
    const context = await browser.newContext(DESK);
    contexts.push(context);
    const page = await context.newPage();
    let letGo;
    await page.route("**/river-token", async (route) => {
      await new Promise((resolve) => {
        letGo = resolve;
      });
      await route.continue();
    });
    await page.goto(address);
    await until(() => letGo, "the question for a token");
    await fetch(`${address}/tasks`, {
      method: "POST",
      body: new URLSearchParams({ text: "between" }),
    });
    await until(async () => {
      const { publications } = await river.api("/channels/tasks/history");
      return publications.some(({ data }) => data.text === "between");
    }, "the publication");
    letGo();
    await page.getByText("between").waitFor();
  });

  test("in the dark, by keyboard alone, the focus stays with the task", async () => {
    const page = await window({ ...DESK, colorScheme: "dark" });
    await page.getByRole("button", { name: "Call the plumber back", exact: true }).focus();
    await page.keyboard.press("Space");
    await page.locator(".done", { hasText: "plumber" }).waitFor();
    await page.keyboard.press("Space");
    await page.locator(".done", { hasText: "plumber" }).waitFor({ state: "detached" });
    await picture(page, "dark");
  });

  test("without JavaScript the list works, as it did before River", async () => {
    const context = await browser.newContext({ ...DESK, javaScriptEnabled: false });
    contexts.push(context);
    const page = await context.newPage();
    await page.goto(address);
    await add(page, "by hand");
    await page.getByText("by hand").waitFor();
    await page.getByRole("button", { name: "by hand", exact: true }).click();
    await page.locator(".done", { hasText: "by hand" }).waitFor();
  });

  test("a narrow phone shows everything without scrolling sideways", async () => {
    const page = await window({ ...PHONE, viewport: { width: 320, height: 600 } });
    await add(page, "A".repeat(100));
    await page.getByText("AAAA").waitFor();
    const wide = () => document.documentElement.scrollWidth > window.innerWidth;
    assert.equal(await page.evaluate(wide), false);
  });
});
