// A TCP proxy whose connections can be cut: for a while nothing goes through, in either direction, and then they end.
import { connect, createServer } from "node:net";

/** Stands before a port of this machine. */
export async function cuttingProxy(port, host) {
  const pairs = new Set();
  let isCut = false;
  const server = createServer((client) => {
    const upstream = connect(port, host);
    const pair = [client, upstream];
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const [from, to] of [pair, [upstream, client]]) {
      from.on("data", (data) => isCut || to.write(data));
      from.on("close", end).on("error", end);
    }
    if (isCut) end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const end = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    port: server.address().port,
    /** What is sent meanwhile is lost; who connects meanwhile is closed. */
    async cut(ms) {
      isCut = true;
      await new Promise((done) => setTimeout(done, ms));
      end();
      isCut = false;
    },
    close() {
      end();
      server.close();
    },
  };
}
