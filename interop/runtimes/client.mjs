/** Subscribes and publishes in whatever runtime it is started with, and prints what came. */

import process from "node:process";
import { River } from "river-realtime";
import { River as BackEnd } from "river-realtime/server";

const [host, url, key] = process.argv.slice(2);
const backEnd = new BackEnd({ url, key });
const river = new River({
  host,
  token: () => backEnd.token({ user: "runtime", subscribe: ["dogs"] }),
});
if (river.state !== "closed") throw new Error("it connects before it is asked to");
const dogs = river.subscribe("dogs");
const came = new Promise((resolve) => dogs.on("post", resolve));
const live = new Promise((resolve) => dogs.on("river:subscribed", resolve));
river.connect();
await live;
await backEnd.publish("dogs", "post", "Fido");
console.log(await came);
river.disconnect();
