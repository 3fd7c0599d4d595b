import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Link } from "../src/link.js";

/** @typedef {import("../src/link.js").Effect} Effect */

const LUCK = 0.5;

/** @type {Link} */
let link;

beforeEach(() => {
  link = new Link({ renewable: true, random: () => LUCK });
});

/** @param {Effect[]} effects */
const kinds = (effects) => effects.map((effect) => effect.do);

/**
 * A link that is connected.
 *
 * @param {{now?: number, remainingMs?: number | null}} [when]
 */
function connected({ now = 0, remainingMs = null } = {}) {
  link.connect(now);
  link.gotToken(1, "T", now);
  link.opened(now);
  link.received(now);
  link.authenticated(remainingMs, now);
  assert.equal(link.state, "connected");
}

describe("connecting", () => {
  test("the token is asked for first, then the socket is opened, then the token is sent", () => {
    assert.deepEqual(link.connect(0), [
      { do: "ask", ask: 1 },
      {
        do: "status",
        status: {
          state: "connecting",
          reason: "connecting",
          error: undefined,
        },
      },
    ]);
    assert.deepEqual(link.gotToken(1, "T", 5), [{ do: "open" }]);
    assert.deepEqual(link.opened(9), [
      { do: "send", message: { type: "auth", id: "auth", token: "T" } },
    ]);
    assert.equal(link.state, "connecting");
    assert.deepEqual(kinds(link.authenticated(null, 10)), ["status"]);
    assert.equal(link.state, "connected");
  });

  test("connecting twice is connecting once", () => {
    link.connect(0);
    assert.deepEqual(link.connect(1), []);
  });

  test("a server that never answers is given up after 10 s", () => {
    link.connect(0);
    link.gotToken(1, "T", 0);
    assert.equal(link.nextAt, 10_000);
    assert.deepEqual(kinds(link.tick(10_000)), ["close", "status"]);
    assert.equal(link.status.reason, "the server does not answer");
  });

  test("a server that opens and then says nothing is given up after 10 s", () => {
    link.connect(0);
    link.gotToken(1, "T", 0);
    link.opened(8_000);
    link.tick(8_000);
    assert.deepEqual(link.tick(17_999), []);
    assert.deepEqual(kinds(link.tick(18_000)), ["close", "status"]);
  });

  test("a token that comes too late is not used", () => {
    link.connect(0);
    link.stop("enough");
    link.connect(1);
    assert.deepEqual(link.gotToken(1, "old", 2), []);
    assert.deepEqual(kinds(link.gotToken(3, "new", 2)), ["open"]);
  });

  test("a token function that fails makes it wait and ask again", () => {
    link.connect(0);
    const error = new Error("no session");
    assert.deepEqual(kinds(link.noToken(1, error, 0)), ["close", "status"]);
    assert.equal(link.status.state, "waiting");
    assert.equal(link.status.reason, "no session");
    assert.equal(link.status.error, error);
    assert.deepEqual(kinds(link.tick(link.nextAt)), ["ask", "status"]);
  });
});

describe("losing the connection", () => {
  test("the longer it fails, the longer it waits, up to 20 s", () => {
    link.connect(0);
    link.gotToken(1, "T", 0);
    const waits = [];
    for (let now = 0, attempt = 0; attempt < 12; attempt++) {
      link.lost({ code: 1006 }, now);
      waits.push(link.status.retryInMs);
      now = link.nextAt;
      assert.deepEqual(kinds(link.tick(now)), ["open", "status"]);
    }
    assert.deepEqual(waits, [250, 250, 250, 375, 562, 843, 1265, 1897, 2846, 4269, 6403, 9605]);
  });

  test("a connection that lasted starts the back-off anew", () => {
    connected();
    link.lost({ code: 1006 }, 10_000);
    assert.equal(link.status.retryInMs, 250);
    assert.equal(link.status.reason, "the connection was lost");
  });

  test("a network that is cut again and again is tried soon after each cut", () => {
    connected();
    for (let now = 10_000, cut = 0; cut < 5; cut++) {
      link.lost({ code: 1006 }, now);
      assert.equal(link.status.retryInMs, 250);
      now = link.nextAt;
      link.tick(now);
      link.opened(now);
      link.authenticated(null, now);
      now += 2_000;
    }
  });

  test("a connection that did not last as long as the outage before it does not end the outage", () => {
    connected();
    link.lost({ code: 1006 }, 10_000);
    link.tick(40_000);
    link.opened(40_000);
    link.authenticated(null, 40_000);
    link.lost({ code: 1006 }, 69_000);
    assert.equal(link.status.retryInMs, 10_000);
  });

  test("a server that closes each connection soon is not asked ever faster", () => {
    connected();
    const opened = [];
    for (let now = 100; now < 60_000; now = link.nextAt) {
      if (link.state === "waiting") link.tick(now);
      link.opened(now);
      link.authenticated(null, now);
      link.lost({ code: 1000 }, now);
      opened.push(now);
    }
    assert.ok(opened.length < 20, `${opened.length} connections in a minute`);
  });

  for (const code of [1000, 1001, 1011, 4408, 4413, 4429, 4503]) {
    test(`it comes back with the same token after ${code}`, () => {
      connected();
      link.lost({ code }, 20_000);
      assert.equal(link.state, "waiting");
      assert.deepEqual(kinds(link.tick(link.nextAt)), ["open", "status"]);
    });
  }

  for (const code of [4400, 4403]) {
    test(`it stays closed after ${code}`, () => {
      connected();
      assert.deepEqual(kinds(link.lost({ code, reason: "because" }, 20_000)), ["close", "status"]);
      assert.equal(link.state, "closed");
      assert.equal(link.status.reason, "because");
      assert.equal(link.nextAt, Number.POSITIVE_INFINITY);
    });
  }

  test("it asks for another token after 4401", () => {
    connected();
    link.lost({ code: 4401, reason: "the token has expired" }, 20_000);
    assert.equal(link.status.state, "waiting");
    assert.deepEqual(kinds(link.tick(link.nextAt)), ["ask", "status"]);
  });

  test("a fixed token that was refused closes for good and says why", () => {
    link = new Link({ renewable: false, random: () => LUCK });
    link.connect(0);
    link.gotToken(1, "T", 0);
    link.opened(0);
    const error = new Error("the token has expired");
    link.refused(error);
    link.lost({ code: 4401 }, 1);
    assert.deepEqual(link.status, {
      state: "closed",
      reason: "the token has expired",
      code: 4401,
      error,
    });
  });

  test("a fixed token that will be taken soon is sent again then", () => {
    link = new Link({ renewable: false, random: () => LUCK });
    link.connect(0);
    link.gotToken(1, "T", 0);
    link.opened(0);
    link.refused(new Error("the user logged out everywhere just now"), 1, 4_000);
    link.lost({ code: 4401 }, 2);
    assert.equal(link.state, "waiting");
    assert.ok(link.nextAt >= 4_001);
    const [first] = link.tick(link.nextAt);
    assert.equal(first?.do, "open");
    assert.deepEqual(link.opened(5_000), [
      { do: "send", message: { type: "auth", id: "auth", token: "T" } },
    ]);
    link.lost({ code: 4401 }, 5_001);
    assert.equal(link.state, "closed");
  });

  test("a fixed token that is none closes for good", () => {
    link = new Link({ renewable: false, random: () => LUCK });
    link.connect(0);
    link.noToken(1, new Error("an HTML page"), 1);
    assert.equal(link.state, "closed");
  });

  test("after it was closed it can be connected again", () => {
    connected();
    link.lost({ code: 4403 }, 1);
    assert.deepEqual(kinds(link.connect(2)), ["open", "status"]);
  });
});

describe("a server that is about to stop", () => {
  test("the connection serves on when another one is needed", () => {
    connected();
    link.bye(1_000, 3_000);
    assert.equal(link.state, "connected");
    assert.equal(link.nextAt, 4_250);
    assert.deepEqual(link.tick(4_249), []);
    assert.deepEqual(link.tick(4_250), [{ do: "move" }]);
    assert.equal(link.state, "connected");
    assert.deepEqual(link.tick(5_000), []);
  });

  test("its successor begins with the same token and a back-off of its own", () => {
    connected({ remainingMs: 600_000 });
    const next = link.successor();
    assert.deepEqual(kinds(next.connect(20_000)), ["open", "status"]);
    next.lost({ code: 4503 }, 20_100);
    assert.equal(next.status.retryInMs, 250);
    assert.equal(link.state, "connected");
  });

  test("when it closes before that the wait is as long as it asked for", () => {
    connected();
    link.bye(1_000, 3_000);
    link.lost({ code: 4503 }, 1_100);
    assert.equal(link.status.retryInMs, 3_150);
    assert.deepEqual(link.awake(2_000), []);
    assert.deepEqual(kinds(link.tick(4_250)), ["open", "status"]);
  });
});

describe("silence", () => {
  test("after 30 s a ping is sent, and 10 s later the connection is given up", () => {
    connected();
    assert.equal(link.nextAt, 30_000);
    for (let now = 5_000; now < 30_000; now += 5_000) assert.deepEqual(link.tick(now), []);
    assert.deepEqual(link.tick(30_000), [{ do: "send", message: { type: "ping" } }]);
    assert.deepEqual(link.tick(35_000), []);
    assert.deepEqual(kinds(link.tick(40_000)), ["close", "status"]);
    assert.equal(link.status.reason, "the server does not answer");
  });

  test("anything that is heard is as good as a pong", () => {
    connected();
    for (let now = 5_000; now <= 30_000; now += 5_000) link.tick(now);
    link.received(31_000);
    for (let now = 35_000; now <= 60_000; now += 5_000) assert.deepEqual(link.tick(now), []);
    assert.equal(link.nextAt, 61_000);
  });
});

describe("sleep and networks", () => {
  test("a tick that comes much too late means sleep: the connection has 5 s to answer", () => {
    connected();
    link.tick(1_000);
    assert.deepEqual(link.tick(3_600_000), [{ do: "send", message: { type: "ping" } }]);
    assert.deepEqual(kinds(link.tick(3_605_000)), ["close", "status"]);
  });

  test("where ticks are always late a dead connection is found all the same", () => {
    connected();
    assert.deepEqual(kinds(link.tick(60_000)), ["send"]);
    assert.deepEqual(kinds(link.tick(120_000)), ["close", "status"]);
  });

  test("a page that is looked at again pings only when nothing was heard lately", () => {
    connected();
    link.received(2_000);
    assert.deepEqual(link.awake(3_000), []);
    assert.deepEqual(kinds(link.awake(8_000)), ["send"]);
    assert.equal(link.nextAt, 13_000);
  });

  test("a page that is looked at again does not wait for its next attempt", () => {
    connected();
    link.lost({ code: 1006 }, 20_000);
    assert.deepEqual(kinds(link.awake(20_001)), ["open", "status"]);
  });

  test("a network that is back is tried at once", () => {
    connected();
    link.lost({ code: 1006 }, 20_000);
    link.offline(20_001);
    assert.equal(link.status.reason, "the device is offline");
    assert.deepEqual(kinds(link.online(20_100)), ["open", "status"]);
    link.lost({ code: 1006 }, 20_200);
    assert.equal(link.status.reason, "the server cannot be reached");
  });

  test("a connection is asked at once when the network comes or goes", () => {
    connected({ now: 100 });
    link.received(1_000);
    assert.deepEqual(kinds(link.offline(1_001)), ["send"]);
    assert.equal(link.nextAt, 6_001);
    link.received(1_500);
    assert.deepEqual(kinds(link.online(1_600)), ["send"]);
  });
});

describe("renewing the token", () => {
  test("another one is asked for after 80% of its life and sent on the same connection", () => {
    connected({ remainingMs: 600_000 });
    link.received(470_000);
    for (const now of [470_000, 475_000]) link.tick(now);
    link.tick(479_999);
    assert.equal(link.nextAt, 480_000);
    assert.deepEqual(link.tick(480_000), [{ do: "ask", ask: 2 }]);
    assert.deepEqual(link.gotToken(2, "T2", 480_100), [
      { do: "send", message: { type: "auth", id: "auth", token: "T2" } },
    ]);
    assert.deepEqual(link.authenticated(600_000, 480_200), []);
    link.received(480_200);
    assert.equal(link.nextAt, 510_200);
  });

  test("a token that lives for seconds is renewed at half of its life", () => {
    connected({ remainingMs: 6_000 });
    assert.equal(link.nextAt, 3_000);
  });

  test("a client whose clock is wrong does not ask again and again", () => {
    connected({ remainingMs: -7_200_000 });
    link.received(50_000);
    assert.equal(link.nextAt, 60_000);
  });

  test("a function that fails is asked again later, and the connection stays", () => {
    connected({ remainingMs: 20_000 });
    for (const now of [5_000, 9_000]) link.tick(now);
    assert.deepEqual(link.tick(10_000), [{ do: "ask", ask: 2 }]);
    assert.deepEqual(link.noToken(2, new Error("no"), 10_100), []);
    assert.equal(link.state, "connected");
    assert.equal(link.nextAt, 18_100);
    assert.deepEqual(link.tick(18_100), [{ do: "ask", ask: 3 }]);
  });

  test("a token that ran out during sleep is not tried again", () => {
    connected({ remainingMs: 20_000 });
    link.lost({ code: 1006 }, 1_000);
    assert.deepEqual(kinds(link.tick(30_000)), ["ask", "status"]);
  });

  test("a token that ended while another one was asked for in vain is not tried again", () => {
    connected({ remainingMs: 60_000 });
    link.lost({ code: 1006 }, 1_000);
    assert.deepEqual(kinds(link.online(49_000)), ["ask", "status"]);
    link.noToken(3, new Error("offline"), 49_100);
    assert.deepEqual(kinds(link.online(65_000)), ["ask", "status"]);
    assert.deepEqual(link.gotToken(5, "T2", 65_100), [{ do: "open" }]);
    // A server that is away does not make it ask again.
    link.lost({ code: 1006 }, 65_200);
    assert.deepEqual(kinds(link.online(65_300)), ["open", "status"]);
  });

  test("a kept token that the server refuses is replaced at once, and once", () => {
    connected();
    link.lost({ code: 1006 }, 1_000);
    assert.deepEqual(kinds(link.online(90_000)), ["open", "status"]);
    link.opened(90_010);
    link.lost({ code: 4401, reason: "the token has expired" }, 90_020);
    assert.equal(link.status.retryInMs, 0);
    assert.deepEqual(kinds(link.tick(90_020)), ["ask", "status"]);
    link.gotToken(4, "T2", 90_030);
    link.opened(90_040);
    link.lost({ code: 4401, reason: "the token has expired" }, 90_050);
    assert.equal(link.status.retryInMs, 10_000);
  });

  test("a fixed token is never asked for", () => {
    link = new Link({ renewable: false, random: () => LUCK });
    connected({ remainingMs: 20_000 });
    assert.equal(link.nextAt, 30_000);
  });
});
