import assert from "node:assert/strict";
import { test } from "node:test";
import { Presence } from "../src/presence.js";

const ada = { user: "ada", info: { color: "red" } };
const bob = { user: "bob" };
const cyd = { user: "cyd" };

test("the first list tells of nobody who came or went", () => {
  const presence = new Presence();
  assert.deepEqual(presence.replace({ count: 2, members: [ada, bob] }), { joined: [], left: [] });
  assert.equal(presence.count, 2);
  assert.deepEqual(presence.members.get("ada"), { color: "red" });
});

test("a later list tells of those who came and went meanwhile", () => {
  const presence = new Presence();
  presence.replace({ count: 2, members: [ada, bob] });
  const { joined, left } = presence.replace({ count: 2, members: [bob, cyd] });
  assert.deepEqual(joined, [cyd]);
  assert.deepEqual(left, [{ user: "ada" }]);
});

test("lists that are not complete are not compared", () => {
  const presence = new Presence();
  presence.replace({ count: 500, members: [ada] });
  assert.deepEqual(presence.replace({ count: 501, members: [bob] }), { joined: [], left: [] });
  assert.equal(presence.count, 501);
});

test("joins and leaves move the number and the list", () => {
  const presence = new Presence();
  presence.replace({ count: 1, members: [ada] });
  assert.equal(presence.join(bob), true);
  assert.equal(presence.join(bob), false);
  assert.equal(presence.leave("ada"), true);
  assert.equal(presence.leave("ada"), false);
  assert.equal(presence.count, 1);
  assert.deepEqual([...presence.members.keys()], ["bob"]);
});

test("somebody who was on no list may leave a large channel", () => {
  const presence = new Presence();
  presence.replace({ count: 5000, members: [ada] });
  assert.equal(presence.leave("bob"), true);
  assert.equal(presence.count, 4999);
});
