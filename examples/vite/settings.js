import { readFileSync } from "node:fs";

/** Where River is: from the environment, or from what `river dev` left in the repository's root. */
export function riverSettings(env = process.env) {
  const { RIVER_API_URL: url, RIVER_API_KEY: key, RIVER_SECRETS } = env;
  if (url && key) return { url, key, secret: RIVER_SECRETS?.split(",")[0] };
  const file = new URL("../../.river/dev.json", import.meta.url);
  const { api_url, api_key, secret } = JSON.parse(readFileSync(file, "utf8"));
  return { url: api_url, key: api_key, secret };
}
