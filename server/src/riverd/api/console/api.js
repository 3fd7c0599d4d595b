// Requests to the API that served this page. The key stays in this variable: no cookie, no storage.

let key = "";
let writes = false;
let onRefused = () => {};

/** The API's root: the page may lie below a path, behind a proxy. */
const root = new URL(".", location.href);

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const mayWrite = () => writes;

export async function logIn(given, refused) {
  key = given;
  onRefused = () => {};
  try {
    writes = (await get("access")).writes;
  } catch (error) {
    key = "";
    throw error;
  }
  onRefused = refused;
}

export function logOut() {
  key = "";
  writes = false;
}

/** What a query says: pairs, or an object; what is empty is left out. */
export const filled = (query) => (Array.isArray(query) ? query : Object.entries(query)).filter(([, value]) => value !== undefined && value !== null && value !== "");

export async function ask(method, path, query, body, signal) {
  const url = new URL(path, root);
  for (const [name, value] of filled(query ?? {})) url.searchParams.append(name, value);
  const headers = { "x-api-key": key };
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, credentials: "omit", redirect: "error" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "The API does not answer. Is it running?");
  }
  if (answer.ok) return answer;
  const found = await answer.json().catch(() => null);
  const error = new ApiError(answer.status, found?.error?.code ?? String(answer.status), found?.error?.message ?? answer.statusText);
  if (answer.status === 401) onRefused(error);
  throw error;
}

export const get = async (path, query, signal) => (await ask("GET", path, query, undefined, signal)).json();
export const post = async (path, query, body) => (await ask("POST", path, query, body)).json();
export const remove = async (path, query) => (await ask("DELETE", path, query)).json();
