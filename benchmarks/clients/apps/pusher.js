import Pusher from "pusher-js";
import { host, missed, show } from "./page.js";

const [wsHost, wsPort] = host.split(":");
const where = { cluster: "", wsHost, wsPort, forceTLS: false, enabledTransports: ["ws"] };
const pusher = new Pusher("app", { ...where, channelAuthorization: { endpoint: "/pusher/auth" } });
pusher.subscribe("private-dogs").bind("post", show);
let before = false;
pusher.connection.bind("connected", () => {
  if (before) missed();
  before = true;
});
