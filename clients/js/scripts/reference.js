/** Writes the reference part of docs/clients/javascript.md from the comments in the code: `npm run reference`. */

import { readFile, writeFile } from "node:fs/promises";

export const PAGE = new URL("../../../docs/clients/javascript.md", import.meta.url);
const HOME = new URL("../", import.meta.url);
const BEGIN = "<!-- The reference: written by `npm run reference` in clients/js. -->";

/** Heading, file, name of the class, how an object of it is called, and the typedefs that go with it. */
const PARTS = [
  ["`River` of `river-realtime`", "src/river.js", "river", ["Options", "SubscribeOptions"]],
  ["Channels", "src/channel.js", "channel", []],
  ["Presence", "src/presence.js", "presence", []],
  ["Hooks of `river-realtime/react`", "react/index.js", "", []],
  ["`sharedSocket` of `river-realtime/tabs`", "src/tabs.js", "", []],
  [
    "For the option `WebSocket`: `HttpSocket` and `PollSocket` of `river-realtime/http`",
    "src/http-socket.js",
    "",
    [],
  ],
  ["`Pusher` of `river-realtime/pusher`", "pusher/pusher.js", "pusher", ["PusherOptions"]],
  ["Channels of `river-realtime/pusher`", "pusher/channel.js", "", []],
  [
    "`River` of `river-realtime/server`",
    "server/river.js",
    "river",
    ["Options", "PublishOptions", "Message"],
  ],
  [
    "Webhooks of `river-realtime/server`",
    "server/webhooks.js",
    "",
    ["WebhookOptions", "WebhookEvent"],
  ],
  ["Tokens of `river-realtime/server`", "server/token.js", null, ["Wanted"]],
  ["Errors of `river-realtime`", "src/errors.js", "error", []],
  ["Errors of `river-realtime/server`", "server/error.js", "error", []],
];

/** Files whose members are those of pusher-js, documented there. */
const AS_ELSEWHERE = new Set(["pusher/pusher.js"]);

/** Types that the members above give and take, and where they are written. */
const VALUES = {
  "src/protocol.js": ["Position", "Publication", "Member", "Receipt", "PublishOptions"],
  "src/channel.js": ["EventDetail", "GapDetail"],
  "src/subscription.js": ["Break"],
  "src/delivery.js": ["Snapshot"],
  "src/token.js": ["TokenSource", "GivenToken"],
  "src/status.js": ["Status", "State"],
  "src/river.js": ["TransportName"],
  "server/river.js": ["Result", "Counts"],
};

/**
 * The page as it has to be.
 *
 * @param {string} page the page as it is
 */
export async function renewed(page) {
  const guide = page.split(BEGIN)[0];
  const sections = [];
  for (const [heading, file, object, types] of PARTS) {
    const source = await readFile(new URL(/** @type {string} */ (file), HOME), "utf8");
    const blocks = [...documented(source)];
    const whole = blocks.find(({ next }) => next.startsWith("export class"));
    const intro = whole && object !== null ? [`${parts(whole.lines).text}\n`] : [];
    const about = /** @type {string[]} */ (types).map((name) => typeEntry(blocks, name));
    const members = AS_ELSEWHERE.has(/** @type {string} */ (file))
      ? [memberList(blocks, /** @type {string} */ (object))]
      : object === null
        ? []
        : memberEntries(blocks, /** @type {string} */ (object));
    sections.push(`### ${heading}\n\n${[...intro, ...about, ...members].join("\n")}`);
  }
  sections.push(`### Values\n\n${await values()}`);
  return `${guide}${BEGIN}\n\n## Reference\n\n${sections.join("\n")}`;
}

/** A table of the types that are not tables of their own. */
async function values() {
  const rows = [];
  for (const [file, names] of Object.entries(VALUES)) {
    const source = await readFile(new URL(file, HOME), "utf8");
    const tags = [...documented(source)].flatMap(({ lines }) => parts(lines).tags);
    for (const name of names) {
      const found = tags.map((tag) => tag.match(ALIAS)).find((match) => match?.[2] === name);
      if (!found) throw new Error(`there is no ${name} in ${file}`);
      const [, type, , words = ""] = found;
      rows.push(`| \`${name}\` | \`${shortened(type).replaceAll("|", "\\|")}\` | ${words} |`);
    }
  }
  return `| | type | |\n|---|---|---|\n${rows.join("\n")}\n`;
}

/** @typedef {{lines: string[], next: string, inside: boolean}} Block a comment, and the line after it */

/**
 * @param {string} source
 * @returns {Iterable<Block>}
 */
function* documented(source) {
  for (const match of source.matchAll(/( *)\/\*\*((?:(?!\*\/).)*)\*\/\n([^\n]*)/gs)) {
    const [, indent = "", body = "", next = ""] = match;
    const lines = body.split("\n").map((line) => line.replace(/^\s*\*? ?/, "").trimEnd());
    yield {
      lines,
      next: next.trim(),
      inside: indent.length === 2 || next.trim().startsWith("this."),
    };
  }
}

/**
 * The text of a comment up to its first tag, and the tags.
 *
 * @param {string[]} lines
 */
function parts(lines) {
  /** @type {string[]} */
  const tags = [];
  /** @type {string[]} */
  const text = [];
  for (const line of lines) {
    if (line.startsWith("@")) tags.push(line);
    else if (tags.length > 0) tags.push(`${tags.pop()} ${line.trim()}`.trimEnd());
    else text.push(line);
  }
  return { text: text.join("\n").trim(), tags };
}

/**
 * The names alone.
 *
 * @param {Block[]} blocks
 * @param {string} object
 */
function memberList(blocks, object) {
  const names = blocks
    .map(({ next, inside }) => signatureOf(next, inside, object))
    .filter((signature) => signature !== null)
    .map((signature) => `\`${signature.split("(")[0]}\``);
  return `As in pusher-js: ${[...new Set(names)].join(", ")}. A presence channel has \`members\`.\n`;
}

/**
 * @param {Block[]} blocks
 * @param {string} object
 */
function memberEntries(blocks, object) {
  const entries = [];
  for (const { lines, next, inside } of blocks) {
    const signature = signatureOf(next, inside, object);
    if (!signature) continue;
    const { text, tags } = parts(lines);
    const type = tags.find((tag) => tag.startsWith("@type "));
    const words = text || type?.replace(/^@type \{.*?\} ?/, "") || "";
    if (words && !OTHER_WORD.test(words))
      entries.push(`#### \`${signature}\`\n\n${words}\n${listed(tags)}`);
  }
  return entries;
}

/**
 * @param {string} line the line after a comment
 * @param {boolean} inside whether it belongs to a class
 * @param {string} object
 */
function signatureOf(line, inside, object) {
  const [, shared] = line.match(/^export function (\w+\(.*\)) \{$/) ?? [];
  if (shared && !INTERNAL_FUNCTIONS.some((name) => shared.startsWith(`${name}(`)))
    return named(shared);
  if (!inside || !object) return null;
  if (line.startsWith("constructor")) return object === "river" ? "new River(options)" : null;
  const [, getter] = line.match(/^get (\w+)\(\)/) ?? [];
  const [, method, args = ""] = line.match(/^(?:async )?(\w+)\((.*)\) \{$/) ?? [];
  const [, field] = line.match(/^(?:this\.)?(\w+) = /) ?? [];
  if (method && !INTERNAL.has(`${object}.${method}`)) return `${object}.${method}(${named(args)})`;
  return getter || field ? `${object}.${getter ?? field}` : null;
}

/** One name is documented for one thing; other spellings work, and are for those who bring them along. */
const OTHER_WORD = /^the same as `\w+`\.?$/i;
const ALIAS = /^@typedef \{(.*)\} (\w+) ?(.*)$/;
/** What other modules of the library call. */
const INTERNAL = new Set([
  ...["replace", "join", "leave"].map((name) => `presence.${name}`),
  ...["replace", "reset"].map((name) => `members.${name}`),
]);
const INTERNAL_FUNCTIONS = ["invalid", "checkSecret", "checkWanted", "signed", "httpUrl"];

/**
 * Arguments without their defaults; what is taken apart at once is called options.
 *
 * @param {string} args
 */
function named(args) {
  return args.replace(/\{.*?\}( = \{\})?/, "options").replace(/ = [^,)]+/g, "");
}

/** @param {string[]} tags */
function listed(tags) {
  const lines = [];
  for (const tag of tags) {
    const [, kind, type, rest = ""] =
      tag.match(/^@(param|returns|throws) \{((?:[^{}]|\{[^{}]*\})*)\} ?(.*)$/) ?? [];
    if (!kind || (kind === "returns" && !rest)) continue;
    const [, name, words = ""] = rest.match(/^(\[?\w+\]?)(?: (.*))?$/) ?? [];
    if (kind === "param" && words && name !== "[platform]") lines.push(`* \`${name}\`: ${words}`);
    if (kind === "returns") {
      // A long type is in the declarations.
      const short = shortened(type);
      lines.push(short.includes(" ") ? `* Returns ${rest}` : `* Returns \`${short}\`: ${rest}`);
    }
    if (kind === "throws") lines.push(`* Throws \`${type}\`: ${rest}`);
  }
  return lines.length > 0 ? `\n${lines.join("\n")}\n` : "";
}

/**
 * @param {Block[]} blocks
 * @param {string} name
 */
function typeEntry(blocks, name) {
  for (const { lines } of blocks) {
    const { tags } = parts(lines.filter((line) => line !== ""));
    const at = tags.findIndex((tag) => tag.startsWith(`@typedef {object} ${name}`));
    if (at < 0) continue;
    const rows = [];
    const plain = [];
    for (const tag of tags.slice(at + 1)) {
      const [, type, field, words = ""] = tag.match(/^@property \{(.*)\} (\[?\w+\]?) ?(.*)$/) ?? [];
      if (!field) break;
      if (OTHER_WORD.test(words)) continue;
      if (!words) {
        plain.push(`\`${field}\`: \`${shortened(type)}\``);
        continue;
      }
      rows.push(`| \`${field}\` | \`${shortened(type).replaceAll("|", "\\|")}\` | ${words} |`);
    }
    const rest = plain.length > 0 ? `\nAlso ${plain.join(", ")}.\n` : "";
    return `\`${name}\`:\n\n| | type | |\n|---|---|---|\n${rows.join("\n")}\n${rest}`;
  }
  throw new Error(`there is no ${name}`);
}

/** @param {string | undefined} type */
function shortened(type = "") {
  return type.replace(/import\("[^"]*"\)\./g, "").replace(/typeof globalThis\./g, "typeof ");
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  await writeFile(PAGE, await renewed(await readFile(PAGE, "utf8")));
}
