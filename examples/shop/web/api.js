/** The API, as a page calls it: as whoever signed in, and failures as errors that say what the API said. */

const tokenKey = "shop.token";

/**
 * Who is signed in by a cookie, where people sign in at an issuer; `undefined` where there is no place to, and whoever
 * runs the shop makes tokens at a terminal.
 */
const session = await readSession();

/** @returns {Promise<{ signedIn: boolean, subject?: string, roles?: string[] } | undefined>} */
async function readSession() {
  try {
    const response = await fetch("/auth/session");
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined; // the shop is out of reach, as its pages will say
  }
}

/** Whether there is a page to sign in at. */
export const hasSignInPage = session !== undefined;

/** @returns {string | null} */
function token() {
  return hasSignInPage ? null : sessionStorage.getItem(tokenKey);
}

export function useToken(text) {
  sessionStorage.setItem(tokenKey, text);
}

/** Leaves for the page to sign in at; it leads back to here. */
export function goToSignIn() {
  location.assign(`/auth/sign-in?to=${encodeURIComponent(`${location.pathname}${location.search}${location.hash}`)}`);
}

/** Ends what there is. With a session the page is left, for the issuer has to be told. */
export async function signOut() {
  sessionStorage.removeItem(tokenKey);
  if (!hasSignInPage) return;
  const response = await fetch("/auth/sign-out", { method: "POST", headers: { accept: "application/json" } });
  const answer = await response.json();
  location.assign(answer.location ?? "/");
}

/** Who is signed in, only to show it: who may do what is the API's to say. */
export function whoIs(text = token()) {
  if (text === null) return session?.signedIn === true ? { subject: String(session.subject), roles: session.roles ?? [] } : undefined;
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
