import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { brotliDecompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { declarations, distribution, GZIP_BYTES_MAX, INTERNAL } from "../scripts/build.js";
import { PAGE } from "../scripts/reference.js";

const run = promisify(execFile);
const HOME = fileURLToPath(new URL("..", import.meta.url));
/** What brotli makes of the same. */
const BROTLI_BYTES_MAX = 7_168;
/** With what is loaded when it is needed: a bundler makes one or more files of it. */
const PUSHER_BYTES_MAX = 16_512;

const TSC = join(HOME, "node_modules", ".bin", "tsc");
const COMPILER_OPTIONS = "--strict --noEmit --target es2022 --module nodenext".split(" ");

/** An empty project into which the package was installed as it would be published. */
let project = "";

before(async () => {
  project = await mkdtemp(join(tmpdir(), "river-package-"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], {
    cwd: HOME,
  });
  const [, filename] = /** @type {RegExpMatchArray} */ (stdout.match(/"filename": "([^"]+\.tgz)"/));
  await writeFile(join(project, "package.json"), '{"name":"empty","private":true}');
  await run("npm", ["install", "--offline", "--no-audit", `./${filename}`], { cwd: project });
});

after(() => rm(project, { recursive: true, force: true }));

test("a clone that was never built can be installed as it is", async () => {
  const clone = await mkdtemp(join(tmpdir(), "river-clone-"));
  const { stdout } = await run("git", ["ls-files", "-co", "--exclude-standard"], { cwd: HOME });
  for (const name of stdout
    .trim()
    .split("\n")
    .filter((one) => existsSync(join(HOME, one)))) {
    await mkdir(join(clone, "js", dirname(name)), { recursive: true });
    await copyFile(join(HOME, name), join(clone, "js", name));
  }
  const app = join(clone, "app");
  await mkdir(app);
  await writeFile(join(app, "package.json"), '{"name":"app","private":true}');
  await run("npm", ["install", "--offline", "--no-audit", "../js"], { cwd: app });
  const used = 'import { River } from "river-realtime"; const river: River | null = null; river;';
  await writeFile(join(app, "use.mts"), used);
  await run(TSC, [...COMPILER_OPTIONS, "use.mts"], { cwd: app });
  await rm(clone, { recursive: true });
});

test("the package can be imported, whole or minified", async () => {
  for (const entry of ["", "/min", "/src/river.js", "/server", "/tabs", "/pusher"]) {
    const name = `river-realtime${entry}`;
    const script = `import * as all from "${name}"; console.log(typeof (all.River ?? all.sharedSocket ?? all.Pusher))`;
    const args = ["--input-type=module", "--eval", script];
    assert.equal((await run(process.execPath, args, { cwd: project })).stdout, "function\n");
  }
});

test("the minified file keeps within its budget", async () => {
  const file = join(project, "node_modules", "river-realtime", "dist", "river.min.js");
  const bytes = gzipSync(await readFile(file), { level: 9 }).length;
  assert.ok(bytes <= GZIP_BYTES_MAX, `${bytes} bytes: npm run names, npm run build`);
  const { size } = await stat(join(HOME, "dist", "river.min.js.br"));
  assert.ok(size <= BROTLI_BYTES_MAX, `${size} bytes`);
});

test("no name that the minified file shortens is one of a collection's", () => {
  const own = [Map, Set, Array, Promise, WeakMap].flatMap((kind) =>
    Object.getOwnPropertyNames(kind.prototype),
  );
  // Texts are joined in the second file only, whose names stay.
  assert.deepEqual(
    INTERNAL.filter((name) => own.includes(name)),
    ["join"],
  );
});

test("without its second file the minified one warns in bare facts", async () => {
  const alone = join(project, "alone.mjs");
  await copyFile(join(HOME, "dist", "river.min.js"), alone);
  const script = `
    import { River } from "${pathToFileURL(alone)}";
    console.warn = console.log;
    class Socket { constructor() { setTimeout(() => this.onclose({ code: 4403, reason: "blocked" })); } close() {} }
    new River({ host: "rt.example.com", tokn: "T", WebSocket: Socket });`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script]);
  assert.deepEqual(stdout.trim().split("\n"), [
    "River: unknown: tokn,option",
    "River: closed: blocked,4403,ws://rt.example.com/ws,",
  ]);
});

test("the API of pusher-js, with all that it needs, keeps within its budget", async () => {
  const { outputFiles } = await build({
    entryPoints: [join(HOME, "pusher", "pusher.js")],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const bytes = gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
  assert.ok(bytes > 0 && bytes <= PUSHER_BYTES_MAX, `${bytes} bytes`);
});

test("the file for a script tag leaves a Pusher to the page, within its budget", async () => {
  const file = join(project, "node_modules", "river-realtime", "dist", "pusher.min.js");
  const text = await readFile(file, "utf8");
  const page = `
    globalThis.WebSocket ??= class {};
    require("node:vm").runInThisContext(require("node:fs").readFileSync("${file}", "utf8"));
    console.log(new Pusher("key", { wsHost: "rt.example.com" }).subscribe("dogs").name);
    process.exit();`;
  assert.equal((await run(process.execPath, ["--eval", page])).stdout, "dogs\n");
  assert.doesNotMatch(text, /import\.meta/);
  assert.ok(gzipSync(text, { level: 9 }).length <= PUSHER_BYTES_MAX);
});

test("a TypeScript project that uses every public call compiles", async () => {
  const used = await readFile(join(HOME, "test", "types.ts"), "utf8");
  await writeFile(join(project, "use.mts"), imports(used));
  await symlink(join(HOME, "node_modules", "@types"), join(project, "node_modules", "@types"));
  await run(TSC, [...COMPILER_OPTIONS, "use.mts"], { cwd: project });
});

test("that project uses every public call indeed", async () => {
  const used = await readFile(join(HOME, "test", "types.ts"), "utf8");
  const reference = await readFile(PAGE, "utf8");
  const names = [...reference.matchAll(/^#### `(?:new )?(?:\w+\.)?(\w+)/gm)].map(
    ([, name]) => name,
  );
  assert.ok(names.length > 30);
  const options = [...reference.matchAll(/^\| `\[?(\w+)\]?` \| `/gm)].map(([, name]) => name);
  assert.deepEqual(
    [...names, ...options].filter((name) => !new RegExp(`\\b${name}\\b`).test(used)),
    [],
  );
});

test("what is committed in dist and types is what the code gives", async () => {
  for (const [name, text] of await distribution()) {
    const file = join(HOME, "dist", name);
    assert.equal(await readFile(file, "utf8"), text, `dist/${name}: npm run build`);
    if (name.endsWith(".min.js"))
      assert.equal(String(brotliDecompressSync(await readFile(`${file}.br`))), text);
  }
  await declarations(join(project, "types"));
  const [now, committed] = await Promise.all(
    [project, HOME].map(async (folder) => {
      const names = await readdir(join(folder, "types"), { recursive: true });
      const files = names.filter((name) => name.endsWith(".d.ts")).sort();
      const texts = files.map((name) => readFile(join(folder, "types", name), "utf8"));
      return Object.fromEntries((await Promise.all(texts)).map((text, at) => [files[at], text]));
    }),
  );
  assert.deepEqual(committed, now, "types: npm run build");
});

test("the file for React Native has nothing that its bundler does not know", async () => {
  const script = `
    import { River } from "river-realtime";
    for (const name of ["MessageChannel", "URL", "TextEncoder"]) delete globalThis[name];
    class Socket {
      constructor(url) { console.log(url); setTimeout(() => this.onopen()); }
      send(text) {
        const { type, id, channel } = JSON.parse(text);
        const say = (message) => this.onmessage({ data: JSON.stringify(message) });
        if (type === "auth") say({ type: "authenticated", id, user: "ada", expires_at: null });
        if (type !== "subscribe") return;
        say({ type: "subscribed", id, channel, epoch: "e", offset: 0, recovered: false });
        for (let offset = 1; offset <= 5; offset++)
          say({ type: "event", channel, event: "post", data: offset, offset });
      }
      close() {}
    }
    const river = new River({ host: "https://rt.example.com", token: "T", WebSocket: Socket });
    river.subscribe("dogs").on("post", (data) => {
      for (const end = Date.now() + 15; Date.now() < end; );
      console.log(data);
      if (data === 5) river.disconnect();
    });`;
  const args = ["--conditions=react-native", "--input-type=module", "--eval", script];
  const { stdout } = await run(process.execPath, args, { cwd: project });
  assert.deepEqual(stdout.trim().split("\n"), ["wss://rt.example.com/ws", ..."12345"]);
  const file = join(project, "node_modules", "river-realtime", "dist", "river.native.js");
  assert.doesNotMatch(await readFile(file, "utf8"), /import\.meta/);
});

test("an application for React Native that has the API of pusher-js too holds River once", async () => {
  const both = `
    import { River } from "river-realtime";
    import { Pusher } from "river-realtime/pusher";
    console.log(River, Pusher);`;
  const { outputFiles } = await build({
    stdin: { contents: both, resolveDir: project },
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["react-native"],
    write: false,
  });
  const text = outputFiles[0]?.text ?? "";
  assert.match(text, /signin\(/);
  assert.equal(text.match(/var RiverError\d* = class/g)?.length, 1);
  assert.doesNotMatch(text, /import\.meta/);
});

test("on a server an import and a client at the top of a module open nothing, and it ends", async () => {
  const script = `
    import { River } from "river-realtime";
    export const river = new River({ host: "/rt", token: () => { console.log("asked"); } });
    console.log(river.state);`;
  const args = ["--input-type=module", "--eval", script];
  const { stdout } = await run(process.execPath, args, { cwd: project, timeout: 20_000 });
  assert.equal(stdout, "closed\n");
});

/** @param {string} source */
function imports(source) {
  return source
    .replace("../src/tabs.js", "river-realtime/tabs")
    .replace("../src/river.js", "river-realtime")
    .replace("../pusher/pusher.js", "river-realtime/pusher")
    .replace("../react/index.js", "river-realtime/react")
    .replace("../server/river.js", "river-realtime/server");
}
