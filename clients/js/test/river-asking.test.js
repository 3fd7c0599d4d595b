import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { AUTHENTICATED, accepted, begin, make, newest, platform } from "./scene.js";

beforeEach(begin);

describe("asking", () => {
  test("a publish is answered with its position", async () => {
    const channel = make().subscribe("dogs");
    const socket = await accepted();
    const published = channel.publish("typing", { user: "ada" });
    const { id } = socket.last("publish");
    assert.deepEqual(socket.last("publish"), {
      type: "publish",
      id,
      channel: "dogs",
      event: "typing",
      data: { user: "ada" },
    });
    socket.says({ type: "published", id, epoch: "e", offset: 8 });
    assert.deepEqual(await published, { epoch: "e", offset: 8 });
  });

  test("a publish that is refused is rejected with the server's code", async () => {
    const river = make();
    const socket = await accepted();
    const published = river.publish("dogs", "post", 1);
    socket.says({ type: "error", id: 1, code: "forbidden", message: "no grant" });
    await assert.rejects(published, { name: "RiverError", code: "forbidden" });
  });

  test("without a connection a publish is refused", async () => {
    const river = make();
    await assert.rejects(river.publish("dogs", "post", 1), { code: "not_connected" });
    river.disconnect();
    await assert.rejects(river.publish("dogs", "post", 1), { code: "not_connected" });
  });

  test("where it was agreed publishes wait for a connection, as many as agreed", async () => {
    const river = make({ queue: 1 });
    const first = river.publish("dogs", "post", 1);
    await assert.rejects(river.publish("dogs", "post", 2), { code: "queue_full" });
    const socket = await accepted();
    const { id, data } = socket.last("publish");
    assert.equal(data, 1);
    socket.says({ type: "published", id, epoch: "e", offset: 1 });
    assert.equal((await first).offset, 1);
  });

  test("what waits is given up when the client is closed", async () => {
    const river = make({ queue: 1 });
    const published = river.publish("dogs", "post", 1);
    river.disconnect();
    await assert.rejects(published, { code: "disconnected" });
  });

  test("a publish whose connection is lost says that nobody knows", async () => {
    const river = make();
    const socket = await accepted();
    const published = river.publish("dogs", "post", 1);
    socket.ends(1006);
    await assert.rejects(published, { code: "connection_lost" });
  });

  test("a publish without an answer is given up", async () => {
    const river = make();
    const socket = await accepted();
    const published = assert.rejects(river.publish("dogs", "post", 1), { code: "timeout" });
    for (let round = 0; round < 4; round++) {
      await platform.pass(4_000);
      socket.says({ type: "pong" });
    }
    await published;
  });

  test("history can be asked for at once, and waits for the connection", async () => {
    const channel = make().subscribe("dogs");
    const answered = channel.history({ limit: 2, after: { epoch: "e", offset: 5 } });
    const socket = await accepted();
    const { id } = socket.last("history");
    assert.deepEqual(socket.last("history"), {
      type: "history",
      id,
      channel: "dogs",
      limit: 2,
      epoch: "e",
      offset: 5,
    });
    const publications = [{ offset: 6, event: "post", data: 1 }];
    socket.says({ type: "history", id, channel: "dogs", epoch: "e", offset: 6, publications });
    assert.deepEqual(await answered, { epoch: "e", offset: 6, publications });
  });

  test("what is asked while the server looks at the token is sent when it has", async () => {
    const river = make({ queue: 2 });
    const socket = await newest();
    socket.open();
    const answered = river.history("dogs", { limit: 2 });
    const published = river.publish("dogs", "post", 1);
    socket.says({ type: "welcome", session: "s", auth_timeout_s: 15 }, AUTHENTICATED);
    const [history, publish] = [socket.last("history"), socket.last("publish")];
    assert.equal(history?.limit, 2);
    assert.equal(publish?.data, 1);
    const at = { epoch: "e", offset: 6 };
    socket.says({ type: "history", id: history.id, channel: "dogs", ...at, publications: [] });
    socket.says({ type: "published", id: publish.id, ...at });
    assert.deepEqual(await answered, { ...at, publications: [] });
    assert.deepEqual(await published, at);
  });
});
