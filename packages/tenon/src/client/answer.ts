/** Reads what came back: a value, items, bytes, or a fault. */
import type { Bytes, ErrorDescription, OperationDescription } from "../contract/index.ts";
import { DeclaredFault, Fault, type FaultCode, faultCodeForStatus, type FaultDetail, type FaultMore, faultTable } from "../kernel/index.ts";
import { chunksOf, itemsOf } from "./body.ts";
import type { Patience } from "./patience.ts";

/**
 * The answer of an operation, by the kind of its output. Ends `patience` once nothing more can come.
 *
 * @throws {Fault}
 */
export async function readAnswer(operation: OperationDescription, response: Response, patience: Patience): Promise<unknown> {
  if (!response.ok) throw await readFault(operation, response, patience);
  switch (operation.output.kind) {
    case "json": {
      const value = parseJson(operation, response, await textOf(operation, response, patience));
      patience.end();
      return value;
    }
    case "stream":
      patience.answered();
      return itemsOf(response, { operation: operation.id, patience });
    case "bytes":
      patience.answered();
      return toBytes(operation, response, patience);
    case "none":
      await textOf(operation, response, patience); // read to its end, so that the connection can be used again
      patience.end();
      return undefined;
  }
}

async function textOf(operation: OperationDescription, response: Response, patience: Patience): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw patience.fault ?? new Fault("unavailable", `the answer of ${operation.id} broke off`, { cause: error });
  }
}

function parseJson(operation: OperationDescription, response: Response, text: string): unknown {
  const type = response.headers.get("content-type") ?? "";
  try {
    if (/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) return JSON.parse(text);
  } catch (error) {
    throw new Fault("internal", `the answer of ${operation.id} is not the JSON that it says it is`, { cause: error });
  }
  // Something else answers at this URL: a proxy, a login page. Asking again would not help.
  throw new Fault("internal", `${operation.id} was answered with ${type === "" ? "no type" : type} instead of JSON: is the URL right?`);
}

function toBytes(operation: OperationDescription, response: Response, patience: Patience): Bytes {
  const { headers } = response;
  // A length counts what travels; an encoded body is longer once it is decoded.
  const length = headers.has("content-encoding") ? null : headers.get("content-length");
  return {
    mediaType: headers.get("content-type") ?? "application/octet-stream",
    content: chunksOf(response, { operation: operation.id, patience }),
    length: length === null ? undefined : Number(length),
    fileName: fileNameOf(headers.get("content-disposition")),
  };
}

/** RFC 6266; the extended form wins. A name never has a path in it. */
function fileNameOf(disposition: string | null): string | undefined {
  const extended = /;\s*filename\*\s*=\s*UTF-8''([^;\s]+)/i.exec(disposition ?? "")?.[1];
  const plain = /;\s*filename\s*=\s*(?:"([^"]*)"|([^;\s]+))/i.exec(disposition ?? "");
  let name = plain?.[1] ?? plain?.[2];
  try {
    if (extended !== undefined) name = decodeURIComponent(extended);
  } catch {
    // a name that is encoded wrongly is no name; the plain one stands
  }
  return name?.split(/[/\\]/).at(-1);
}

/** Members of a problem (RFC 9457) as the platform writes it. Nothing in it is trusted to have its type. */
interface Problem {
  readonly title?: unknown;
  readonly detail?: unknown;
  readonly code?: unknown;
  readonly call?: unknown;
  readonly errors?: unknown;
  readonly data?: unknown;
}

async function readFault(operation: OperationDescription, response: Response, patience: Patience): Promise<Fault> {
  const problem = parseProblem(await textOf(operation, response, patience));
  const code = textIn(problem.code);
  const declared = operation.errors.find((error) => error.name === code);
  const message = textIn(problem.detail) ?? (declared === undefined ? textIn(problem.title) : declared.message);
  const more = {
    details: detailsIn(problem.errors),
    retryAfterS: retryAfterIn(response.headers.get("retry-after")),
    facts: { operation: operation.id, status: response.status, ...presentCall(problem.call ?? response.headers.get("x-request-id")) },
  };
  if (declared !== undefined) return toDeclared(declared, problem.data, { ...more, message });
  return new Fault(codeOf(code, response.status), message ?? unexplained(operation, response), more);
}

function toDeclared(error: ErrorDescription, data: unknown, more: FaultMore & { readonly message: string | undefined }): DeclaredFault {
  return new DeclaredFault(error.name, error.data === undefined ? undefined : data, error.status, more);
}

/** A name that this contract does not declare comes from a newer one: what is left of it is the meaning of its status. */
function codeOf(code: string | undefined, status: number): FaultCode {
  if (code !== undefined && Object.hasOwn(faultTable, code)) return code as FaultCode;
  // What a proxy says when the service behind it is not there.
  if (status === 502 || status === 503) return "unavailable";
  return faultCodeForStatus(status);
}

function unexplained(operation: OperationDescription, response: Response): string {
  const to = response.headers.get("location");
  // Following it could turn a POST into a GET, and a token would go where nobody meant it to.
  if (response.type === "opaqueredirect" || to !== null) return `${operation.id} was answered with a redirect${to === null ? "" : ` to ${to}`}: use that URL`;
  return `${operation.id} was answered with status ${response.status} and no explanation`;
}

function parseProblem(text: string): Problem {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {}; // a page of a proxy: its status is all there is
  }
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function presentCall(value: unknown): { readonly call?: string } {
  return typeof value === "string" ? { call: value } : {};
}

function detailsIn(value: unknown): readonly FaultDetail[] {
  if (!Array.isArray(value)) return [];
  return value.filter((each): each is FaultDetail => typeof each?.path === "string" && typeof each?.message === "string");
}

/** Seconds, or a date (RFC 9110 section 10.2.3). */
function retryAfterIn(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header);
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, Math.ceil((atMs - Date.now()) / 1_000));
}
