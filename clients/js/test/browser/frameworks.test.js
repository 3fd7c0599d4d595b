import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import WebSocket from "ws";
import { RiverProvider, useChannel, useConnection, usePresence } from "../../react/index.js";
import { River } from "../../src/river.js";
import { Server, until } from "../server.js";
import { Stage, skip } from "./stage.js";

const HOME = new URL("../../", import.meta.url);
const PAGE = new URL("../../docs/how-to/frameworks.md", HOME);

describe("the how-to for frameworks", { skip }, () => {
  const stage = new Stage();
  // A page that visits 101 rooms in a second is no attacker here.
  const server = new Server({ RIVER_CLIENT_RATE: "5000" });
  /** @type {Map<string, string>} code by heading and file name */
  const code = new Map();

  before(async () => {
    await Promise.all([stage.start(), server.start()]);
    stage.pages["/river-token"] = await server.token("ada");
    const text = await readFile(PAGE, "utf8");
    for (const section of text.split(/^## /m)) {
      const heading = section.split("\n")[0];
      for (const [, language, block = ""] of section.matchAll(/^```(\w+)\n(.*?)^```$/gms)) {
        const file = block.match(/^\/\/ (\S+)/)?.[1] ?? language;
        code.set(`${heading}/${file}`, block.replaceAll("http://localhost:8000", server.url));
      }
    }
  });

  after(() => Promise.all([stage.end(), server.remove()]));

  /** @param {string} name */
  const block = (name) => code.get(name) ?? assert.fail(`there is no ${name}`);

  /**
   * The framework's code and ours, in one file, in a page.
   *
   * @param {string} heading
   * @param {string} main
   * @param {"production" | "development"} [mode]
   */
  async function bundled(heading, main, mode = "production") {
    const folder = await mkdtemp(join(tmpdir(), "river-how-to-"));
    await symlink(fileURLToPath(new URL("node_modules", HOME)), join(folder, "node_modules"));
    for (const [name, text] of code) {
      const [of = "", file = ""] = name.split("/");
      if (of === heading || file === "river.js") await writeFile(join(folder, file), text);
    }
    await writeFile(join(folder, "main.jsx"), main);
    const { outputFiles } = await build({
      entryPoints: [join(folder, "main.jsx")],
      bundle: true,
      format: "esm",
      jsx: "automatic",
      write: false,
      define: { "process.env.NODE_ENV": JSON.stringify(mode) },
      alias: {
        "river-realtime/react": fileURLToPath(new URL("react/index.js", HOME)),
        "river-realtime": fileURLToPath(new URL("src/river.js", HOME)),
        vue: "vue/dist/vue.esm-bundler.js",
      },
    });
    await rm(folder, { recursive: true });
    const script = outputFiles[0]?.text.replaceAll("</script", "<\\/script");
    return `<!doctype html><div id="app"></div><script type="module">${script}</script>`;
  }

  /**
   * @param {string} path
   * @param {(opened: import("playwright-core").Page) => Promise<void>} publish
   */
  async function sees(path, publish) {
    const context = await stage.context();
    const opened = await context.newPage();
    await opened.goto(stage.origin + path);
    await publish(opened);
    const items = opened.locator("li");
    await items.getByText("second").waitFor();
    assert.deepEqual(await items.allTextContents(), ["first", "second"]);
    await context.close();
    // The next one waits for its own subscription.
    await subscribed(0);
  }

  const posted = async () => {
    await subscribed(1);
    await server.publish("dogs", { id: 2, text: "second" });
    stage.pages["/posts"] = "<li>first</li><li>second</li>";
  };

  /** @param {number} count */
  const subscribed = (count) =>
    until(
      async () => (await server.api("/channels/dogs")).subscribers === count,
      `${count} subscribers`,
    );

  test("React draws what comes", async () => {
    stage.pages["/react"] = await bundled(
      "React",
      `import { createRoot } from "react-dom/client";
       import { StrictMode } from "react";
       import { App } from "./app.jsx";
       const first = [{ id: 1, text: "first" }];
       createRoot(document.querySelector("#app"))
         .render(<StrictMode><App first={first} /></StrictMode>);`,
      "development",
    );
    await sees("/react", async (opened) => {
      await opened.getByText("1 here").waitFor();
      await posted();
    });
  });

  test("101 rooms that are visited one after the other leave one subscription behind", async () => {
    stage.pages["/rooms"] = await bundled(
      "React",
      `import { createRoot } from "react-dom/client";
       import { StrictMode, useState } from "react";
       import { RiverProvider, useChannel } from "river-realtime/react";
       import { river } from "./river.js";
       function Room({ name }) {
         const { live, error } = useChannel(name, {});
         (globalThis.first ??= {})[name] ??= live;
         return <p>{error?.message ?? (live ? \`in \${name}\` : "entering")}</p>;
       }
       function Rooms() {
         const [room, setRoom] = useState(1);
         globalThis.visit = setRoom;
         return <><Room name={\`room-\${room}\`} /><Room name={\`room-\${room}\`} /></>;
       }
       createRoot(document.querySelector("#app")).render(
         <StrictMode><RiverProvider river={river}><Rooms /></RiverProvider></StrictMode>);`,
      "development",
    );
    const context = await stage.context();
    const opened = await context.newPage();
    /** @type {string[]} */
    const said = [];
    opened.on("console", (message) => said.push(message.text()));
    await opened.goto(`${stage.origin}/rooms`);
    await opened.evaluate(async () => {
      const page = /** @type {any} */ (globalThis);
      const shown = () => document.querySelector("#app")?.textContent;
      for (let room = 1; room <= 101; room++) {
        page.visit?.(room);
        const wanted = `in room-${room}`.repeat(2);
        while (shown() !== wanted) await new Promise((resolve) => setTimeout(resolve));
      }
    });
    const first = await opened.evaluate(() => /** @type {any} */ (globalThis).first);
    // Not with what was true of the room before.
    assert.deepEqual(new Set(Object.values(first)), new Set([false]));
    const { channels } = await server.api("/channels?prefix=room-");
    assert.deepEqual(Object.keys(channels), ["room-101"]);
    assert.deepEqual(
      said.filter((line) => line.includes("River")),
      [],
    );
    await context.close();
  });

  test("a handler for members that a later render brings is called", async () => {
    stage.pages["/members"] = await bundled(
      "React",
      `import { createRoot } from "react-dom/client";
       import { StrictMode, useState } from "react";
       import { RiverProvider, useChannel } from "river-realtime/react";
       import { river } from "./river.js";
       function Room() {
         const [asks, setAsks] = useState(false);
         const [joined, setJoined] = useState("nobody");
         const { live } = useChannel("presence-room",
           asks ? { "river:joined": ({ user }) => setJoined(user) } : {});
         globalThis.ask = () => setAsks(true);
         return <p>{\`\${live ? "live" : "entering"}, \${asks}, \${joined}\`}</p>;
       }
       createRoot(document.querySelector("#app")).render(
         <StrictMode><RiverProvider river={river}><Room /></RiverProvider></StrictMode>);`,
      "development",
    );
    const context = await stage.context();
    const opened = await context.newPage();
    await opened.goto(`${stage.origin}/members`);
    await opened.getByText("live, false, nobody").waitFor();
    await opened.evaluate(() => /** @type {any} */ (globalThis).ask());
    await opened.getByText("live, true, nobody").waitFor();
    const bob = new River({ host: server.url, token: await server.token("bob"), WebSocket });
    bob.subscribe("presence-room");
    await opened.getByText("live, true, bob").waitFor();
    bob.disconnect();
    await context.close();
  });

  test("a component is live only with the state that its snapshot loads", async () => {
    stage.pages["/scores"] = await bundled(
      "React",
      `import { createRoot } from "react-dom/client";
       import { StrictMode, useState } from "react";
       import { RiverProvider, useChannel } from "river-realtime/react";
       import { river } from "./river.js";
       function Score() {
         const { live, error } = useChannel("dogs", {}, {
           snapshot: async () => {
             if (!globalThis.mended) throw new Error("the back end is away");
           },
         });
         return <p>{\`\${live ? "live" : "old"} \${error?.code ?? "well"}\`}</p>;
       }
       function Other() {
         return <i>{useChannel("dogs").live ? "other live" : "other old"}</i>;
       }
       createRoot(document.querySelector("#app")).render(
         <StrictMode><RiverProvider river={river}><Score /><Other /></RiverProvider></StrictMode>);`,
      "development",
    );
    const context = await stage.context();
    const opened = await context.newPage();
    /** @type {unknown[]} */
    const failures = [];
    opened.on("pageerror", (error) => failures.push(error));
    await opened.goto(`${stage.origin}/scores`);
    await opened.getByText("old snapshot_failed").waitFor();
    await opened.getByText("other old").waitFor();
    await opened.evaluate(() => {
      /** @type {any} */ (globalThis).mended = true;
    });
    await opened.getByText("live well").waitFor();
    await opened.getByText("other live").waitFor();
    assert.deepEqual(failures, []);
    await context.close();
  });

  test("a server renders the hooks without a connection and without a token", async () => {
    const asked = { tokens: 0 };
    const river = new River({
      host: "/rt",
      token: () => {
        asked.tokens += 1;
        return "";
      },
    });
    function Shown() {
      const { live } = useChannel("dogs", {});
      const { count } = usePresence("presence-dogs");
      return createElement("p", null, `${useConnection().state} ${live} ${count}`);
    }
    const html = renderToString(createElement(RiverProvider, { river }, createElement(Shown)));
    assert.equal(html, "<p>connecting false 0</p>");
    assert.equal(asked.tokens, 0);
    assert.equal(river.state, "closed");
  });

  test("Vue draws what comes", async () => {
    stage.pages["/vue"] = await bundled(
      "Vue",
      `import { createApp } from "vue";
       import { Posts } from "./posts.js";
       createApp(Posts, { channel: "dogs", first: [{ id: 1, text: "first" }] }).mount("#app");`,
    );
    await sees("/vue", posted);
  });

  test("htmx asks again when something comes", async () => {
    stage.pages["/posts"] = "<li>first</li>";
    stage.pages["/htmx"] =
      `<!doctype html><body><script src="/node_modules/htmx.org/dist/htmx.min.js"></script>${block("htmx/html")}</body>`;
    await sees("/htmx", async (opened) => {
      await opened.getByText("first").waitFor();
      await subscribed(1);
      stage.pages["/posts"] = "<li>first</li><li>second</li>";
      await server.publish("dogs", { id: 2, text: "second" });
    });
  });
});
