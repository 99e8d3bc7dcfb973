/**
 * The OpenAPI 3.1 document of an app, made from the descriptions of its contracts and from nothing else. The same
 * descriptions give the same document, byte for byte, so that two releases can be compared.
 *
 * What OpenAPI has no word for stands under `x-tenon-…`: the access rule, kind, deadline, objective and rate limit of
 * an operation, and whether a failure may be tried again. Data classes stay in the schemas as `x-data-class`.
 *
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */
import type { ContractDescription } from "../contract/index.ts";
import { boundScheme, securityScheme } from "./openapi-access.ts";
import { FaultResponses, problemSchema } from "./openapi-faults.ts";
import { openApiOperation } from "./openapi-operation.ts";
import { SchemaRegistry } from "./openapi-schemas.ts";

export interface OpenApiInfo {
  readonly title: string;
  readonly version: string;
  /** Where the app answers. Default `/`: wherever the document came from. */
  readonly serverUrl?: string | undefined;
}

/** A plain object, ready for `JSON.stringify`. */
export interface OpenApiDocument {
  readonly openapi: "3.1.1";
  readonly info: { readonly title: string; readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Operations without a route are left out, and so are the services that have no others. */
export function toOpenApi(descriptions: readonly ContractDescription[], info: OpenApiInfo): OpenApiDocument {
  const schemas = new SchemaRegistry({ Problem: problemSchema });
  const faults = new FaultResponses();
  const paths = new Map<string, Record<string, unknown>>();
  const pathByShape = new Map<string, string>();
  const shown = descriptions.filter((each) => each.operations.some((operation) => operation.http !== undefined));

  for (const contract of shown) {
    for (const operation of contract.operations) {
      const { http } = operation;
      if (http === undefined) continue;
      // `/orders/{id}` and `/orders/{orderId}` are one path to OpenAPI, and the first one names its parameters.
      const shape = http.path.replaceAll(/\{[^}]*\}/g, "{}");
      const path = pathByShape.get(shape) ?? http.path;
      pathByShape.set(shape, path);
      const methods = paths.get(path) ?? {};
      methods[http.method.toLowerCase()] = openApiOperation(operation, http, { contract: contract.name, schemas, faults, path });
      paths.set(path, methods);
    }
  }

  const whole = schemas.finish((named) => ({
    openapi: "3.1.1" as const,
    info: { title: info.title, version: info.version },
    servers: [{ url: info.serverUrl ?? "/" }],
    tags: shown.map(({ description, name, version }) => ({ name, ...(description === undefined ? {} : { description }), "x-tenon-version": version })),
    paths: Object.fromEntries(paths),
    components: {
      schemas: named,
      responses: faults.shared,
      parameters: commonParameters,
      headers: commonHeaders,
    },
  }));
  const isBound = shown.some(({ operations }) => operations.some(({ senderConstrained }) => senderConstrained === true));
  return { ...whole, components: { ...usedComponents(whole), securitySchemes: { bearer: securityScheme, ...(isBound ? { dpop: boundScheme } : {}) } } };
}

const commonParameters = {
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    required: false,
    description: "Makes a repeat of this command the same command: it is answered with the first answer and done once. With another input it is a conflict. Of a caller who is not signed in it has 16 characters at least, and is to be made by chance: a UUID, say.",
    schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[!-~]+$" },
  },
  IfNoneMatch: {
    name: "If-None-Match",
    in: "header",
    required: false,
    description: "The ETag of an answer that the caller has. While it is still the answer, 304 is all that comes.",
    schema: { type: "string" },
  },
  RequestTimeoutMs: {
    name: "Request-Timeout-Ms",
    in: "header",
    required: false,
    description: "How long the caller waits, in milliseconds. The operation's own deadline counts where it is shorter.",
    schema: { type: "integer", minimum: 0, maximum: 99_999_999 },
  },
} as const;

const commonHeaders = {
  ETag: { description: "Names this very answer, for `If-None-Match`.", schema: { type: "string" } },
  IdempotencyReplayed: { description: "`true` where this is the stored answer to an earlier call of the same key.", schema: { type: "string", const: "true" } },
  RateLimit: { description: "What is left of the caller's share, and when it is whole again (draft-ietf-httpapi-ratelimit-headers).", schema: { type: "string" } },
  RequestId: { description: "The call's identifier. Name it when you ask for help.", schema: { type: "string" } },
  RetryAfter: { description: "Seconds after which to try again.", schema: { type: "integer", minimum: 1 } },
  Sunset: { description: "When the operation may be gone (RFC 8594).", schema: { type: "string" } },
  WwwAuthenticate: { description: "How to show who is calling (RFC 6750).", schema: { type: "string" } },
} as const;

/** Those that something refers to: an app of queries alone has no idempotency key. */
function usedComponents(whole: Pick<OpenApiDocument, "paths" | "components">): OpenApiDocument["components"] {
  const text = JSON.stringify(whole);
  const used = (group: string, all: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
    Object.fromEntries(Object.entries(all).filter(([name]) => text.includes(`"#/components/${group}/${name}"`)));
  return Object.fromEntries(Object.entries(whole.components).map(([group, all]) => [group, used(group, all)]));
}
