import { River } from "river-realtime";

/** One client for the whole page. */
export const river = new River({
  host: import.meta.env.VITE_RIVER_HOST ?? "http://127.0.0.1:8000",
  token: () => fetch("/river-token"),
});
