import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { Server, unavailable, until } from "../../../clients/js/test/server.js";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
const HOME = fileURLToPath(new URL("../", import.meta.url));
const NEXT = fileURLToPath(new URL("../node_modules/next/dist/bin/next", import.meta.url));
const skip = unavailable || (existsSync(BROWSER) ? false : `there is no ${BROWSER}`);

describe("the guest book, as Next builds it", { skip }, () => {
  const river = new Server();
  let site;
  let browser;
  let address = "";

  before(async () => {
    await river.start();
    const env = {
      ...process.env,
      NEXT_TELEMETRY_DISABLED: "1",
      NEXT_PUBLIC_RIVER_HOST: river.url,
      RIVER_API_URL: river.apiUrl,
      RIVER_API_KEY: river.apiKey,
      RIVER_SECRETS: river.secret,
    };
    execFileSync(process.execPath, [NEXT, "build"], { cwd: HOME, env, stdio: "inherit" });
    const start = [NEXT, "start", "--port", "0", "--hostname", "127.0.0.1"];
    site = spawn(process.execPath, start, { cwd: HOME, env });
    let said = "";
    for (const stream of [site.stdout, site.stderr])
      stream.on("data", (text) => {
        said += text;
      });
    await until(() => said.includes("Ready"), "Next to be ready");
    address = said.match(/http:\/\/127\.0\.0\.1:\d+/)[0];
    const args = ["--no-sandbox", "--disable-gpu"];
    browser = await chromium.launch({ executablePath: BROWSER, args });
  });

  after(async () => {
    await browser?.close();
    site?.kill();
    await river.remove();
  });

  async function open() {
    const page = await (await browser.newContext()).newPage();
    page.on("pageerror", (error) => assert.fail(error));
    await page.goto(address);
    await page.getByText("connected", { exact: true }).waitFor();
    return page;
  }

  test("renders what was written on the server, and shows what is written now", async () => {
    const [one, other] = [await open(), await open()];
    await one.getByLabel("Entry").fill("Hello");
    await one.getByRole("button").click();
    for (const page of [one, other]) await page.locator("li", { hasText: "Hello" }).waitFor();
    const html = await (await fetch(address)).text();
    assert.match(html, /<li>Hello<\/li>/);
    const late = await open();
    assert.deepEqual(await late.locator("li").allTextContents(), ["Hello"]);
  });
});
