/** The back end: it hands out tokens, publishes what is sent to it, and serves what `npm run build` made. */

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { River } from "river-realtime/server";
import { riverSettings } from "./settings.js";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
const river = new River(riverSettings());

async function answer(request, response) {
  const { pathname } = new URL(request.url, "http://lobby");
  if (pathname === "/river-token") {
    // An app with a login says who asks. Here everybody is somebody else.
    const user = `guest-${randomUUID().slice(0, 8)}`;
    return response.end(await river.token({ user, channels: ["presence-lobby"] }));
  }
  if (request.method === "POST" && pathname === "/messages") {
    const { text } = JSON.parse(Buffer.concat(await request.toArray()));
    await river.publish("presence-lobby", "message", { id: randomUUID(), text: String(text) });
    return response.end();
  }
  const path = normalize(pathname === "/" ? "/index.html" : pathname);
  const body = await readFile(join(import.meta.dirname, "dist", path));
  return response.setHeader("content-type", TYPES[extname(path)] ?? "").end(body);
}

createServer((request, response) =>
  answer(request, response).catch((error) => {
    response.statusCode = error.code === "ENOENT" ? 404 : 500;
    response.end(error.message);
  }),
).listen(process.env.PORT ?? 8092, "127.0.0.1", function () {
  console.log(`http://127.0.0.1:${this.address().port}/`);
});
