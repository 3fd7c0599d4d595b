// Verifies requests of webhooks, which stand in the input as JSON, with Pusher's library for Node.
import { readFileSync } from "node:fs";
import Pusher from "pusher";

const { app, requests } = JSON.parse(readFileSync(0, "utf8"));
const pusher = new Pusher({ appId: app.id, key: app.key, secret: app.secret, host: "127.0.0.1" });
const read = ({ headers, body }) => {
  const webhook = pusher.webhook({ headers, rawBody: body });
  return webhook.isValid() ? { time_ms: webhook.getTime().getTime(), events: webhook.getEvents() } : null;
};
console.log(JSON.stringify(requests.map(read)));
