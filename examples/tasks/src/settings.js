/** Where River is and what opens it: from the environment, or from what `river dev` left behind. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * River's settings; null when there are none, and the list works without it.
 *
 * @param {Record<string, string | undefined>} env
 * @param {string} folder where to begin to look for `.river/dev.json`, upwards
 */
export function riverSettings(env, folder) {
  const { RIVER_URL, RIVER_API_URL, RIVER_API_KEY, RIVER_SECRETS } = env;
  if (!RIVER_API_KEY) return left(folder);
  return {
    host: RIVER_URL ?? "http://127.0.0.1:8000",
    url: RIVER_API_URL ?? "http://127.0.0.1:8001",
    key: RIVER_API_KEY,
    secret: RIVER_SECRETS?.split(",")[0],
  };
}

/** @param {string} folder */
function left(folder) {
  try {
    const kept = JSON.parse(readFileSync(join(folder, ".river", "dev.json"), "utf8"));
    return { host: kept.url, url: kept.api_url, key: kept.api_key, secret: kept.secret };
  } catch {
    const above = dirname(folder);
    return above === folder ? null : left(above);
  }
}
