import { Centrifuge } from "centrifuge";
import { host, missed, show, token } from "./page.js";

const centrifuge = new Centrifuge(`ws://${host}/connection/websocket`, { getToken: token });
const dogs = centrifuge.newSubscription("private-dogs");
dogs.on("publication", ({ data }) => show(data));
dogs.on("subscribed", ({ wasRecovering, recovered }) => {
  if (wasRecovering && !recovered) missed();
});
dogs.subscribe();
centrifuge.connect();
