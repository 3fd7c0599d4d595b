import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { PAGE } from "../scripts/reference.js";

const run = promisify(execFile);
const HOME = fileURLToPath(new URL("..", import.meta.url));
/** 6 KB, of 1,000 bytes each. */
const MINIFIED_BYTES_MAX = 6_000;

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

test("the package can be imported, whole or minified", async () => {
  for (const entry of ["", "/min", "/src/river.js", "/server", "/tabs"]) {
    const name = `river-realtime${entry}`;
    const script = `import * as all from "${name}"; console.log(typeof (all.River ?? all.sharedSocket))`;
    const args = ["--input-type=module", "--eval", script];
    assert.equal((await run(process.execPath, args, { cwd: project })).stdout, "function\n");
  }
});

test("the minified file has at most 6 KB gzipped", async () => {
  const file = join(project, "node_modules", "river-realtime", "dist", "river.min.js");
  const bytes = gzipSync(await readFile(file), { level: 9 }).length;
  assert.ok(bytes <= MINIFIED_BYTES_MAX, `${bytes} bytes`);
});

test("a TypeScript project that uses every public call compiles", async () => {
  const used = await readFile(join(HOME, "test", "types.ts"), "utf8");
  await writeFile(join(project, "use.mts"), imports(used));
  const options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext"];
  await run(join(HOME, "node_modules", ".bin", "tsc"), [...options, "use.mts"], { cwd: project });
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

/** @param {string} source */
function imports(source) {
  return source
    .replace("../src/tabs.js", "river-realtime/tabs")
    .replace("../src/river.js", "river-realtime")
    .replace("../server/river.js", "river-realtime/server");
}
