import "server-only";
import { River } from "river-realtime/server";

let made;

/** The back end's client. Made with the first request: a build has no settings. */
export function river() {
  made ??= new River({
    url: process.env.RIVER_API_URL ?? "http://127.0.0.1:8001",
    key: process.env.RIVER_API_KEY,
    secret: process.env.RIVER_SECRETS?.split(",")[0],
  });
  return made;
}
