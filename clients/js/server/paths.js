/** Paths of the publish API that have names of users and channels in them. */

import { invalid } from "./error.js";

/** Names that URLs and proxies resolve or split, however they are encoded. They stand in the query. */
const UNSAFE = /^\.{0,2}$|\/|^-$/;

/**
 * A path with names in it.
 *
 * @param {string} template such as `/users/:user/disconnect`
 * @param {Record<string, string>} names what stands for `:user`
 * @param {Record<string, string | number | undefined>} [query]
 */
export function pathTo(template, names, query = {}) {
  for (const [name, value] of Object.entries(names))
    if (typeof value !== "string") throw invalid(`${name}: a text, not ${typeof value}`);
  const inQuery = Object.values(names).some((name) => UNSAFE.test(name));
  const path = template.replaceAll(/:(\w+)/g, (_, name) =>
    inQuery ? "-" : encodeURIComponent(names[name] ?? ""),
  );
  const given = Object.entries({ ...(inQuery ? names : {}), ...query })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, String(value)]);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}
