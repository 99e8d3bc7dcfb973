/** The API, as a page calls it: the token of whoever signed in, and failures as errors that say what the API said. */

const tokenKey = "shop.token";

/** @returns {string | null} */
export function token() {
  return sessionStorage.getItem(tokenKey);
}

export function signIn(text) {
  sessionStorage.setItem(tokenKey, text);
}

export function signOut() {
  sessionStorage.removeItem(tokenKey);
}

/** What the token says of its owner. Only to show it: whether the token is any good is the API's to say. */
export function whoIs(text = token()) {
  try {
    const payload = text.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (char) => char.charCodeAt(0))));
    return { subject: String(claims.sub), roles: Array.isArray(claims.roles) ? claims.roles : [] };
  } catch {
    return undefined; // not a token
  }
}

/** A failure that the API answered with: RFC 9457, with `code` to tell one from another. */
export class ApiError extends Error {
  constructor(problem, status) {
    super(problem.detail ?? problem.title ?? `the answer was ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.data = problem.data;
  }

  /** The request may have been carried out: it has to be repeated under its key, or looked after. */
  get isUnknown() {
    return this.status === 0 || this.status >= 500;
  }
}

/**
 * @param {"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} method
 * @param {string} path
 * @param {{ query?: object, body?: object, key?: string, signal?: AbortSignal }} [more]  `key`: an idempotency key.
 */
export async function call(method, path, more = {}) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(more.query ?? {})) {
    for (const each of [value].flat()) if (each !== undefined && each !== "") url.searchParams.append(name, each);
  }
  const headers = {};
  if (token() !== null) headers.authorization = `Bearer ${token()}`;
  if (more.body !== undefined) headers["content-type"] = "application/json";
  if (method !== "GET") headers["idempotency-key"] = more.key ?? crypto.randomUUID();

  let response;
  try {
    response = await fetch(url, { method, headers, body: more.body === undefined ? undefined : JSON.stringify(more.body), signal: more.signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError({ title: "the shop is out of reach", code: "unreachable" }, 0);
  }
  if (response.ok) return response.status === 204 ? undefined : response.json();
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(problem, response.status);
}
