/** Builds what is committed in dist/ and types/: `npm run build`. From a clone nothing else is needed. */

import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompressSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";
import { chosenNames, Names } from "./names.js";

/** How long the client for pages may be, compressed: without what is loaded when it is needed. */
export const GZIP_BYTES_MAX = 7_680;
/** What the docs say of it: gateways compress it with Python's zlib, which makes it a little longer. */
export const SERVED_BYTES_MAX = 7_720;

const HOME = new URL("../", import.meta.url);
const { version } = JSON.parse(await readFile(new URL("package.json", HOME), "utf8"));

/**
 * Properties that never leave the bundle: neither public, nor in a message, nor of the browser. Their
 * names get short. Those that are reached by a text (`link[signal]`) do not belong here, and what the
 * browser calls the same has to be reached by a text.
 */
export const INTERNAL = [
  "accepts ask askAll authenticated bye bytesMax connection current defer discard dueAt emit end",
  "events expire flush gotToken hold isAwaited isConnected isDue isFree isLiveOn isOpen joined link lost move",
  "moved nextAt nextId noToken open opened pending receive received refused release renewable",
  "replaying report restart retry saw sent setTimer settle clearTimer steadyMs stop subscribed",
  "subscription successor system tick unknown users wallMs warnings watch",
  "secret sessionSecret socket welcomed",
  "livedMs newSocket platform route where userPosition",
  "about arrived changed deliveries emitter hub own requests trace unknown",
  "welcome",
  "guest ignored join leave options reject request resolve river status",
].flatMap((line) => line.split(" "));

/** What pages load only when they need it, under a name that may be kept for good. */
const LATER = `later-${version}.js`;
/** @type {import("esbuild").Plugin} */
const APART = {
  name: "apart",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/later\.js$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: `./${LATER}`, external: true } : undefined,
    ),
};

/** An app that imports both has River once. @type {import("esbuild").Plugin} */
const BESIDE_RIVER = {
  name: "beside River",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/src\/river\.js$/ }, () => ({
      path: "./river.native.js",
      external: true,
    })),
};

/** Each file of dist/, and what it is made of. */
const FILES = {
  /** For pages: what gateways serve. */
  "river.min.js": async () => {
    const { code, names } = await withStandIns();
    return names.named(code);
  },
  [LATER]: () => minified("src/later.js"),
  /** For pages: one connection for all tabs. */
  "tabs.min.js": () => minified("src/tabs.js"),
  /** For a script tag, which knows no `import.meta` either. */
  "pusher.min.js": () =>
    minified("pusher/global.js", {
      format: "iife",
      define: { "import.meta.url": "undefined" },
    }),
  /** For React Native, whose bundler does not know `import.meta`. */
  "river.native.js": () => bundled("src/river.js", { define: { "import.meta.url": "undefined" } }),
  "pusher.native.js": () => bundled("pusher/pusher.js", { plugins: [BESIDE_RIVER] }),
  "river.min.d.ts": () => 'export * from "../types/src/river.js";\n',
  "tabs.min.d.ts": () => 'export * from "../types/src/tabs.js";\n',
  "river.native.d.ts": () => 'export * from "../types/src/river.js";\n',
};

/**
 * @param {string} entry
 * @param {import("esbuild").BuildOptions} options
 */
async function bundled(entry, options) {
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(HOME),
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    target: "es2022",
    banner: { js: `/* River ${version} */` },
    ...options,
    write: false,
  });
  return String(outputFiles?.[0]?.text);
}

/** The client for pages, before its internal names have got their letters. */
export async function withStandIns() {
  const names = new Names(INTERNAL, await chosenNames());
  const plugins = [APART, names.plugin];
  // In two rounds: the first finds out which private names there are.
  await bundled("src/river.js", { plugins });
  const { pattern: mangleProps, cache: mangleCache } = names;
  const options = { plugins, mangleProps, mangleCache, charset: /** @type {const} */ ("utf8") };
  return { code: await minified("src/river.js", options), names };
}

/**
 * @param {string} entry
 * @param {import("esbuild").BuildOptions} [options]
 */
async function minified(entry, options) {
  // esbuild shortens private names, which terser does not; terser finds shorter code.
  const { code } = await minify(
    await bundled(entry, { minify: true, plugins: [APART], ...options }),
    {
      module: true,
      ecma: 2020,
      compress: {
        passes: 3,
        unsafe_arrows: true,
        pure_getters: true,
        // Code compresses better in one order than in two.
        lhs_constants: false,
        hoist_funs: true,
        unsafe: true,
      },
      format: { comments: /^ River / },
    },
  );
  return `${code}\n`;
}

/** @returns {Promise<Map<string, string>>} the contents of dist/ by their names */
export async function distribution() {
  /** @type {Map<string, string>} */
  const files = new Map();
  for (const [name, make] of Object.entries(FILES)) files.set(name, await make());
  return files;
}

/** @param {string} folder for the declarations of all modules */
export async function declarations(folder) {
  const tsc = fileURLToPath(new URL("node_modules/.bin/tsc", HOME));
  const options = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly"];
  const cwd = fileURLToPath(HOME);
  await promisify(execFile)(tsc, ["-p", "server", ...options, "--outDir", folder], { cwd });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const types = fileURLToPath(new URL("types", HOME));
  await rm(types, { recursive: true, force: true });
  await declarations(types);
  await mkdir(new URL("dist", HOME), { recursive: true });
  for (const [name, text] of await distribution()) {
    await writeFile(new URL(`dist/${name}`, HOME), text);
    // For gateways, which have gzip alone.
    if (name.endsWith(".min.js") || name === LATER)
      await writeFile(new URL(`dist/${name}.br`, HOME), brotliCompressSync(text));
  }
}
