import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "../src/protocol.js";
import { describeClose, isFinal } from "../src/status.js";

test("a message of the server is read", () => {
  const text = '{"type":"event","channel":"dogs","event":"post","data":{"a":[1]},"offset":42}';
  assert.deepEqual(decode(text), {
    type: "event",
    channel: "dogs",
    event: "post",
    data: { a: [1] },
    offset: 42,
  });
});

test("what is not River's protocol is told apart", () => {
  for (const garbage of ["<html>", "", "null", "[]", "7", '{"kind":"event"}', '{"type":7}']) {
    assert.equal(decode(garbage), null, garbage);
  }
  assert.equal(decode(new ArrayBuffer(2)), null);
});

test("a message to the server is one JSON object", () => {
  assert.equal(encode({ type: "ping", id: 1 }), '{"type":"ping","id":1}');
});

test("close codes say whether to stop, to come back, or to come back with another token", () => {
  for (const code of [4400, 4403]) assert.equal(isFinal(code, true), true, String(code));
  assert.deepEqual([isFinal(4401, false), isFinal(4401, true)], [true, false]);
  for (const code of [1000, 1001, 1006, 1011, 1012, 4408, 4413, 4429, 4503, 4999])
    assert.equal(isFinal(code, false), false, String(code));
});

test("the end of a connection is told in plain words", () => {
  assert.equal(describeClose(1006, "", false), "the server cannot be reached");
  assert.equal(describeClose(1006, "", true), "the connection was lost");
  assert.equal(describeClose(4401, "the token has expired", true), "the token has expired");
  assert.equal(describeClose(4999, "", true), "closed by the server (4999)");
});
