import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { build } from "vite";
import { Server, unavailable } from "../../../clients/js/test/server.js";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
const HOME = fileURLToPath(new URL("../", import.meta.url));
const skip = unavailable || (existsSync(BROWSER) ? false : `there is no ${BROWSER}`);

describe("the lobby, as Vite builds it", { skip }, () => {
  const river = new Server();
  let backend;
  let browser;
  let address = "";

  before(async () => {
    await river.start();
    process.env.VITE_RIVER_HOST = river.url;
    await build({ root: HOME, logLevel: "warn" });
    const { apiUrl: RIVER_API_URL, apiKey: RIVER_API_KEY, secret: RIVER_SECRETS } = river;
    const env = { ...process.env, PORT: "0", RIVER_API_URL, RIVER_API_KEY, RIVER_SECRETS };
    backend = spawn(process.execPath, ["server.js"], { cwd: HOME, env });
    address = String((await once(backend.stdout, "data"))[0]).trim();
    const args = ["--no-sandbox", "--disable-gpu"];
    browser = await chromium.launch({ executablePath: BROWSER, args });
  });

  after(async () => {
    await browser?.close();
    backend?.kill();
    await river.remove();
  });

  async function open() {
    const page = await (await browser.newContext()).newPage();
    page.on("pageerror", (error) => assert.fail(error));
    await page.goto(address);
    return page;
  }

  test("shows in every window what one of them sends", async () => {
    const [one, other] = [await open(), await open()];
    await one.getByText("2 here").waitFor();
    await one.getByLabel("Message").fill("Hello");
    await one.getByRole("button").click();
    await other.locator("li", { hasText: "Hello" }).waitFor();
    const late = await open();
    await late.locator("li", { hasText: "Hello" }).waitFor();
    await late.getByText("3 here").waitFor();
  });
});
