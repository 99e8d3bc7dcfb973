/** Fetches a small JSON document from an issuer: with an end to the wait, an end to the size, and no redirects. */

/** Why a document of an issuer could not be had. Its message is for whoever runs the app, not for callers. */
export class IssuerUnreachable extends Error {
  override readonly name = "IssuerUnreachable";
}

/** What is read of a refusal. */
const errorMaxBytes = 65_536;

export interface FetchJsonOptions {
  readonly timeoutMs: number;
  readonly bodyMaxBytes: number;
  /** Sent by POST as a form; left out, the document is fetched by GET. */
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer of another status than 200, with what the issuer says about it (RFC 6749 section 5.2). */
export class IssuerRefused extends IssuerUnreachable {
  readonly status: number;
  /** `invalid_grant` and its like; empty where none was told. */
  readonly error: string;

  constructor(url: string, status: number, error: string) {
    super(`${url} answered with status ${status}${error === "" ? "" : ` and the error ${error}`}`);
    this.status = status;
    this.error = error;
  }
}

/**
 * The JSON object at a URL.
 *
 * A redirect is refused: the URL is configured or comes from the issuer itself, so one that points elsewhere is a
 * mistake or an attack.
 *
 * @throws {IssuerUnreachable} no answer in time, another status than 200, too large, or not a JSON object.
 */
export async function fetchJson(url: string, options: FetchJsonOptions): Promise<Readonly<Record<string, unknown>>> {
  const { timeoutMs, bodyMaxBytes, form, headers } = options;
  let text: string;
  try {
    const response = await fetch(url, {
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs), // of the whole: a body that trickles in is as bad as none
      headers: { accept: "application/json, application/jwk-set+json", ...headers },
      ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
    });
    if (response.status !== 200) throw await refusalOf(url, response);
    text = await readText(url, response, bodyMaxBytes);
  } catch (cause) {
    if (cause instanceof IssuerUnreachable) throw cause;
    throw new IssuerUnreachable(`${url} did not answer within ${timeoutMs} ms: ${reasonOf(cause)}`, { cause });
  }
  return parseObject(url, text);
}

/** The names of errors alone: a description may quote what was sent. */
async function refusalOf(url: string, response: Response): Promise<IssuerRefused> {
  const text = await readText(url, response, errorMaxBytes);
  let error: unknown;
  try {
    error = (JSON.parse(text) as { readonly error?: unknown } | null)?.error;
  } catch {
    error = undefined; // a page of a proxy
  }
  return new IssuerRefused(url, response.status, typeof error === "string" && /^[\w-]{1,64}$/.test(error) ? error : "");
}

async function readText(url: string, response: Response, bodyMaxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > bodyMaxBytes) throw new IssuerUnreachable(`${url} answered with more than ${bodyMaxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseObject(url: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new IssuerUnreachable(`${url} did not answer with JSON`, { cause });
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new IssuerUnreachable(`${url} did not answer with a JSON object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** `fetch failed` alone helps nobody: the reason is in its cause. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? `${thrown.message}: ${thrown.cause.message}` : thrown.message;
}
