/**
 * Failures as a document tells them. What the platform itself can answer is said once, under `components/responses`,
 * and referred to; what an operation declares is said where it is declared, with its name and its data.
 */
import { type AccessDescription, type ErrorDescription, hasJsonBody, isRelation, type JsonSchema, type OperationDescription } from "../contract/index.ts";
import { type FaultCode, faultTable } from "../kernel/index.ts";
import { problemType } from "../rest/index.ts";
import { toPascalCase } from "./openapi-schemas.ts";

type Json = Readonly<Record<string, unknown>>;

const problemRef = { $ref: "#/components/schemas/Problem" } as const;

/** Which failures an operation can be answered with, besides its own. A new row of the fault table has to be decided here. */
const canHappen: Readonly<Record<FaultCode, (operation: OperationDescription) => boolean>> = {
  invalid_argument: () => true,
  unauthenticated: () => true, // a bad token is refused on public operations too
  permission_denied: ({ access }) => access !== "public" && access !== "signed-in",
  // Of a path that nothing answers; what an operation does not find, it declares. A row that is not the caller's is the exception.
  not_found: ({ access, errors }) => hidesRows(access) && !errors.some(({ data, status }) => status === 404 && data === undefined),
  method_not_allowed: () => false, // of another method on the path
  not_acceptable: ({ output }) => output.kind !== "none" && !(output.kind === "bytes" && output.mediaTypes.some((type) => type.includes("*"))),
  request_timeout: hasBody,
  conflict: ({ kind }) => kind === "command", // the idempotency key was used with another input
  gone: () => false,
  precondition_failed: () => false,
  payload_too_large: hasBody,
  uri_too_long: ({ http }) => http?.fields.some((place) => place.in === "path" || place.in === "query") === true,
  unsupported_media_type: hasBody,
  unprocessable: () => false,
  rate_limited: ({ rateLimit }) => rateLimit !== undefined,
  headers_too_large: () => true,
  canceled: () => false, // nobody is there to read it
  internal: () => true,
  unimplemented: () => false,
  overloaded: () => true,
  unavailable: () => true,
  deadline_exceeded: () => true,
};

function hidesRows(access: AccessDescription): boolean {
  if (typeof access === "string") return false;
  if ("allOf" in access) return access.allOf.some(hidesRows);
  if ("anyOf" in access) return access.anyOf.some(hidesRows);
  return isRelation(access) && access.denied === "not_found";
}

/** The shape of every failure (RFC 9457), as `problem.ts` writes it. */
export const problemSchema = {
  type: "object",
  title: "Problem",
  description: "A failure, in the format of RFC 9457. Tell failures apart by `code`.",
  properties: {
    type: { type: "string", format: "uri", description: "The failure's name as a URI." },
    title: { type: "string", description: "The kind of failure, in words. Always the same for one `code`." },
    status: { type: "integer", description: "The HTTP status." },
    code: { type: "string", description: "What went wrong, for programs: a code of the platform in lower case, or a failure that the operation declares." },
    detail: { type: "string", description: "What went wrong this time, for people." },
    call: { type: "string", description: "The call's identifier, the same as in `x-request-id`. Name it when you ask for help." },
    errors: {
      type: "array",
      description: "The places of the input that are wrong.",
      items: {
        type: "object",
        properties: {
          path: { type: "string", description: "Where, as a JSON Pointer (RFC 6901) into the input; empty for the whole of it." },
          message: { type: "string" },
        },
        required: ["path", "message"],
      },
    },
    data: { description: "What a declared failure tells besides. Its operation says of which type it is." },
  },
  required: ["type", "title", "status", "code"],
} as const;

/** Gathers the shared responses that operations refer to. */
export class FaultResponses {
  readonly #shared = new Map<string, Json>();

  /** All failures of an operation by status, in ascending order, with `default` for what else a handler may answer. */
  of(operation: OperationDescription, dataSchemaOf: (error: ErrorDescription) => JsonSchema | undefined): Json {
    const codes = (Object.keys(faultTable) as FaultCode[]).filter((code) => canHappen[code](operation));
    const statuses = new Set([...codes.map((code) => faultTable[code].http as number), ...operation.errors.map((error) => error.status)]);
    const responses: Record<string, Json> = {};
    for (const status of [...statuses].toSorted((a, b) => a - b)) {
      const platform = codes.filter((code) => faultTable[code].http === status);
      const declared = operation.errors.filter((error) => error.status === status);
      responses[status] = declared.length === 0 ? this.#refer(platform) : mixedResponse(declared, platform, dataSchemaOf);
    }
    return { ...responses, default: this.#otherwise() };
  }

  /** For `components/responses`, in alphabetic order. */
  get shared(): Json {
    return Object.fromEntries([...this.#shared].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #refer(codes: readonly FaultCode[]): Json {
    const name = codes.map(toPascalCase).join("Or");
    if (!this.#shared.has(name)) this.#shared.set(name, platformResponse(codes));
    return { $ref: `#/components/responses/${name}` };
  }

  #otherwise(): Json {
    if (!this.#shared.has("Failure")) {
      this.#shared.set("Failure", { description: "Any other failure.", content: { [problemType]: { schema: problemRef } } });
    }
    return { $ref: "#/components/responses/Failure" };
  }
}

function platformResponse(codes: readonly FaultCode[]): Json {
  const [first = "internal"] = codes;
  const { http, title } = faultTable[first];
  const example = { type: `urn:tenon:fault:${first}`, title, status: http, code: first, call: "3f2a91c04be07d15" };
  return {
    description: sentences(codes.map((code) => faultTable[code].title)),
    ...headersOf(codes),
    content: { [problemType]: { schema: { allOf: [problemRef, codeSchema(codes)] }, example } },
    "x-tenon-faults": codes.map(describeFault),
  };
}

/** One status that says several things: the operation's own failures, and perhaps the platform's. */
function mixedResponse(
  declared: readonly ErrorDescription[],
  platform: readonly FaultCode[],
  dataSchemaOf: (error: ErrorDescription) => JsonSchema | undefined,
): Json {
  const own = declared.map((error) => declaredSchema(error, dataSchemaOf(error)));
  const schemas = platform.length === 0 ? own : [...own, { title: "Platform", allOf: [problemRef, codeSchema(platform)] }];
  return {
    description: sentences([...declared.map(sentenceOf), ...platform.map((code) => faultTable[code].title)]),
    ...headersOf(platform),
    content: { [problemType]: { schema: schemas.length === 1 ? schemas[0] : { oneOf: schemas } } },
    "x-tenon-faults": [...declared.map(describeDeclared), ...platform.map(describeFault)],
  };
}

function sentenceOf({ message, name }: ErrorDescription): string {
  return message === undefined ? name : `${name}: ${message.replace(/\.$/, "")}`;
}

function sentences(alternatives: readonly string[]): string {
  return `${alternatives.join(". Or: ")}.`;
}

function declaredSchema(error: ErrorDescription, data: JsonSchema | undefined): Json {
  const own = {
    type: "object",
    properties: { code: { type: "string", const: error.name }, ...(data === undefined ? {} : { data }) },
    required: data === undefined ? ["code"] : ["code", "data"],
  };
  return { title: error.name, allOf: [problemRef, own] };
}

function codeSchema(codes: readonly FaultCode[]): Json {
  const [only] = codes;
  const code = codes.length === 1 ? { type: "string", const: only } : { type: "string", enum: codes };
  return { type: "object", properties: { code }, required: ["code"] };
}

function headersOf(codes: readonly FaultCode[]): Json {
  const headers: Record<string, Json> = {};
  if (codes.some((code) => faultTable[code].retry === "after_delay")) headers["Retry-After"] = { $ref: "#/components/headers/RetryAfter" };
  if (codes.includes("rate_limited")) headers["RateLimit"] = { $ref: "#/components/headers/RateLimit" };
  if (codes.includes("unauthenticated")) headers["WWW-Authenticate"] = { $ref: "#/components/headers/WwwAuthenticate" };
  return Object.keys(headers).length === 0 ? {} : { headers };
}

function describeFault(code: FaultCode): Json {
  const { retry, title } = faultTable[code];
  return { code, title, retry };
}

function describeDeclared({ message, name }: ErrorDescription): Json {
  return { code: name, declared: true, ...(message === undefined ? {} : { title: message }) };
}

function hasBody(operation: OperationDescription): boolean {
  return operation.body !== undefined || hasJsonBody(operation);
}
