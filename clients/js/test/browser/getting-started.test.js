import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { COMMAND, Network, Server, until } from "../server.js";
import { freePort } from "./cluster.js";
import { Stage, skip } from "./stage.js";

const PAGE = new URL("../../../../docs/getting-started.md", import.meta.url);

/** What the page has its reader write into `app.py`. */
async function appOfThePage() {
  const [, code] = (await readFile(PAGE, "utf8")).split("<!-- app -->\n```python\n");
  return /** @type {string} */ (code).slice(0, code?.indexOf("```"));
}

describe("the small app of the first page", { skip }, () => {
  const stage = new Stage();
  const server = new Server();
  /** @type {Network} */
  let network;
  /** @type {import("node:child_process").ChildProcess} */
  let app;
  let folder = "";
  let url = "";

  before(async () => {
    await Promise.all([stage.start(), server.start()]);
    network = new Network(server.url);
    await network.start();
    folder = await mkdtemp(join(tmpdir(), "river-first-"));
    await mkdir(join(folder, ".river"));
    const { apiUrl: api_url, apiKey: api_key, secret } = server;
    const kept = { url: `http://${network.host}`, api_url, api_key, secret };
    await writeFile(join(folder, ".river", "dev.json"), JSON.stringify(kept));
    await writeFile(join(folder, "app.py"), await appOfThePage());
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const python = fileURLToPath(new URL("python", `file://${COMMAND}`));
    const options = ["-m", "flask", "run", "--port", `${port}`];
    app = spawn(python, options, { cwd: folder, stdio: "ignore" });
    const answers = () => fetch(url).then(({ ok }) => ok);
    await until(() => answers().catch(() => false), "the app");
  });

  after(async () => {
    app?.kill();
    network?.end();
    await Promise.all([stage.end(), server.remove()]);
    await rm(folder, { recursive: true, force: true });
  });

  test("two windows show the same, also after one of them had no network", async () => {
    const [one, other] = [await stage.context(), await stage.context()];
    const [ana, ben] = [await one.newPage(), await other.newPage()];
    /** @param {string} text */
    const post = async (text) => {
      await ben.locator("input").fill(text);
      await ben.getByRole("button").click();
      await ben.getByText(text, { exact: true }).waitFor();
    };
    await Promise.all([ana.goto(url), ben.goto(url)]);
    await post("<b>first</b>");
    await ana.getByText("<b>first</b>", { exact: true }).waitFor();
    network.cut();
    for (const text of ["second", "third", "fourth"]) await post(text);
    network.mend();
    await ana.getByText("fourth", { exact: true }).waitFor();
    const wanted = ["<b>first</b>", "second", "third", "fourth"];
    for (const page of [ana, ben])
      assert.deepEqual(await page.locator("li").allTextContents(), wanted);
    await Promise.all([one.close(), other.close()]);
  });
});
