/** The list's pages and forms. */

import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import express from "express";
import { page } from "./page.js";

const PUBLIC = fileURLToPath(new URL("../public", import.meta.url));
const CLIENT = fileURLToPath(new URL(".", import.meta.resolve("river-realtime")));

/**
 * @param {import("./tasks.js").Tasks} tasks
 * @param {import("./live.js").Live | null} live null: without River
 */
export function tasksApp(tasks, live) {
  const app = express();
  app.disable("x-powered-by");
  app.use(guard(live?.host));
  app.use(express.static(PUBLIC), express.urlencoded({ extended: false, limit: "4kb" }));
  app.get("/", async (request, response) => {
    // Before the tasks: what changes in between is in both, and drawn once all the same.
    const position = await live?.position();
    recognize(request, response);
    response.send(page(tasks.all(), { host: live?.host, ...position }));
  });
  app.post("/tasks", (request, response) => {
    const task = tasks.add(request.body?.text);
    if (task) live?.changed(task.id, task);
    response.redirect(303, "/");
  });
  app.post("/tasks/:id", (request, response) => {
    const task = tasks.mark(request.params.id, request.body?.done === "yes");
    if (task) live?.changed(task.id, task);
    response.redirect(303, "/");
  });
  app.post("/tasks/:id/remove", (request, response) => {
    if (tasks.remove(request.params.id)) live?.changed(request.params.id);
    response.redirect(303, "/");
  });
  if (live) addRiver(app, live);
  return app;
}

/**
 * What browsers need for River: the client, and a token.
 *
 * @param {import("express").Express} app
 * @param {import("./live.js").Live} live
 */
function addRiver(app, live) {
  app.use("/river", express.static(CLIENT));
  app.get("/river-token", async (request, response) => {
    response.set("cache-control", "no-store").type("text");
    response.send(await live.token(recognize(request, response)));
  });
}

/**
 * Who this browser is. There is no login: everybody who has the address shares the list.
 *
 * @param {import("express").Request} request
 * @param {import("express").Response} response
 * @returns {string}
 */
function recognize(request, response) {
  const [, known] = request.get("cookie")?.match(/(?:^|; )visitor=([0-9a-f-]{36})/) ?? [];
  const visitor = known ?? randomUUID();
  if (!known) response.cookie("visitor", visitor, { httpOnly: true, sameSite: "lax" });
  return visitor;
}

/**
 * Forms of other sites change nothing here, and the page speaks with River and nobody else.
 *
 * @param {string} [host]
 * @returns {import("express").RequestHandler}
 */
function guard(host) {
  const socket = host?.replace(/^http/, "ws") ?? "";
  const policy = `default-src 'self'; img-src 'self' data:; connect-src 'self' ${socket}; frame-ancestors 'none'`;
  return (request, response, next) => {
    response.set("content-security-policy", policy);
    const from = request.get("sec-fetch-site") ?? "same-origin";
    if (request.method === "POST" && from !== "same-origin") response.sendStatus(403);
    else next();
  };
}
